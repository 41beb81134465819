"""How the API speaks HTTP: problems, contracts, idempotency, hardening. Knows no room."""
