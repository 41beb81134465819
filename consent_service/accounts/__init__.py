"""Signing in: customers by a link to the address on file, staff by password and one-time code.
Sessions, roles, and the pages for all of it."""
