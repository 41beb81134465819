"""`python -m consent_service.cli` is `consent`."""

from consent_service.cli.main import main

main()
