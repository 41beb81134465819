"""Checks of whole audiences: one question, one entry in the log, an answer row by row."""
