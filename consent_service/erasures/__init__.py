"""Erasing a person: step by step, to the last recipient, and the certificate of it."""
