"""Keeping the store: backups, putting them back, and what was refused since."""
