"""Work that comes due by itself: which job is due, one worker at a time, retried when it fails.
The jobs are handed in by whoever runs the worker; this room knows none of them."""
