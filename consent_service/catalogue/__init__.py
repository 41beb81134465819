"""What data is used for: purposes, notices, categories, sources, recipients, touchpoints,
jurisdictions; one versioned document."""
