"""Tools for whoever works on the page; nothing here is shipped."""
