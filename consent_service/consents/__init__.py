"""What people said: immutable events, the records they make, receipts, signals."""
