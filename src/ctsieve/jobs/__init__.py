"""DURABLE WORK: a study handed in is screened once and its results delivered, whatever crashes.

The node and the web service share it; nothing else of the program needs a database.
Decision: docs/decisions/0014-jobs-below-the-shells.md
"""
