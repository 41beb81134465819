"""Links that stand in mails: by which somebody says no without signing in."""
