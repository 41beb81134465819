"""What a person gets who asks for the data about them: gathered, written, sealed, fetched once."""
