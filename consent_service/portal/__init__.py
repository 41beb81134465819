"""Customers' own pages, and the public one. They record and read through the rooms below."""
