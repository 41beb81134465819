"""Consent and privacy management: record choices, ask before targeting, log every answer."""

__version__ = "0.1.0"
