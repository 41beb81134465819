"""How often somebody may try to sign in. Source: ASVS 6.3.1."""

from datetime import timedelta

from consent_service.web.throttling import Budget, admit, admit_address

_LINKS_TO_ONE = Budget("sign_in.account", 5, timedelta(minutes=10))
_LINKS_FROM_ONE = Budget("sign_in.address", 40, timedelta(minutes=10))
_STAFF_ACCOUNT = Budget("staff.account", 10, timedelta(minutes=10))
_STAFF_ADDRESS = Budget("staff.address", 60, timedelta(minutes=10))


def admit_link_request(account: str) -> None:
    """Counts one wish for a link, by account and by address. Raises: TooMany."""
    admit_address(_LINKS_FROM_ONE)
    admit(_LINKS_TO_ONE, account)


def admit_staff_try(name: str) -> None:
    """Counts one try of a member of staff, by account and by address. Raises: TooMany."""
    admit_address(_STAFF_ADDRESS)
    admit_staff_name(name)


def admit_staff_name(name: str) -> None:
    """As `admit_staff_try`, where there is no address: at a terminal. Raises: TooMany."""
    admit(_STAFF_ACCOUNT, name)
