"""Walks every room's `personal_data` module: what is held of a person, erased or merged."""
