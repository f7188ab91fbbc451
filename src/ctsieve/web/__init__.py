"""SHELL: the web service: uploads, studies, results, accounts, and the page in front of them."""
