"""Opening what proves the consents of somebody who was erased: asked for by one officer, approved
by another, fetched once."""
