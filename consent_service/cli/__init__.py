"""The `consent` command. Each file is a topic, each command calls one service function."""
