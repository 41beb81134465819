"""Privacy requests: received, confirmed, decided, carried out, each step recorded."""
