"""Key bytes live here and nowhere else: keyring, envelope, blind index, signing."""
