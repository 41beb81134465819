"""Clients, their tokens, and the guard before every protected route."""
