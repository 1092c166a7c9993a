"""The history of the tables: in `versions/`, a revision for each release that changed them (`controller/revise.py`).

A start compares revisions and is done; Alembic is loaded only where there is something to do.
"""
