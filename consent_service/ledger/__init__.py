"""The append-only log. Rooms append entries; nobody updates one."""
