"""What the worker does for this room, each given the present instant."""

from datetime import datetime

from consent_service.packages import building, service, store
from consent_service.privacy_requests.jobs import site
from consent_service.web.runtime import keys, runtime


def is_one_waiting(now: datetime) -> bool:
    """Whether there may be anything for `build` to do."""
    return store.is_one_waiting(now)


def build(_: datetime) -> int:
    """Makes the packages that wait for nothing more. It may take long, and looks at the clock."""
    return building.build(site(), runtime().clock, keys())


def delete_expired(now: datetime) -> int:
    """Ends packages that nobody fetched in time."""
    return service.delete_expired(now)
