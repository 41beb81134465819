"""Fields of profiles that no purpose needs any more."""
