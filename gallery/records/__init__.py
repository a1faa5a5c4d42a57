"""The gallery's interface to other packages: plain frozen records, no rows.

A row object tied to a session would leak the database into its callers; these are values.
"""
