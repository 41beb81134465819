"""Telling others what changed: the change feed, which they read; webhooks, which they are sent."""
