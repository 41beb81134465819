"""Reading the log as auditors and customers do."""
