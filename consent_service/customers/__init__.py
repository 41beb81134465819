"""Who there is: opaque customers, their sealed identifiers and profile, their keys."""
