"""Words every room shares: time, ids, errors, pages, actors. Standard library only, no I/O."""
