"""What the worker does for this room and for the outbox, each given the present instant."""

from datetime import datetime
from uuid import UUID

from consent_service.accounts import service, sessions, staff, store
from consent_service.catalogue import service as catalogues
from consent_service.config import Environment
from consent_service.crypto.envelope import Sealed, SealingKey, sealed_under
from consent_service.customers import keys as data_keys
from consent_service.kernel.errors import DomainError
from consent_service.kernel.ids import CustomerId
from consent_service.mail import service as mail
from consent_service.mail.smtp import SmtpTransport
from consent_service.web.brand import Brand
from consent_service.web.runtime import keys, runtime

_UNNAMED = "Consent"


def brand() -> Brand:
    """Who answers for the data, as the catalogue says; a page that tells of a failure has a
    name on it too."""
    try:
        controller = catalogues.current().controller
    except DomainError:
        return Brand(_UNNAMED)
    return Brand(controller.name, controller.accent_colour, controller.logo)


def site_name() -> str:
    """The name alone, for letters."""
    return brand().name


def key_of(place: UUID, sealed: Sealed) -> SealingKey:
    """The key that opens a letter: a master key, or its customer's life key. Raises: NotFound,
    MisconfiguredError."""
    ring = keys()
    if ring.has_master(sealed_under(sealed)):
        return ring.master_by_id(sealed_under(sealed))
    return data_keys.open_keys(CustomerId(place), ring).life


def is_link_asked(now: datetime) -> bool:
    """Whether there is anything for `send_links` to do."""
    return store.is_link_asked(now)


def send_links(now: datetime) -> int:
    """Writes the letters for those who asked to sign in."""
    return service.send_links(runtime().settings.base_url, site_name(), now, keys())


def is_mail_due(now: datetime) -> bool:
    """Whether there is anything for `deliver_mail` to send. Without a mail server, what has run
    out goes with its next run."""
    return runtime().settings.smtp_host is not None and mail.is_one_due(now)


def deliver_mail(now: datetime) -> int:
    """Sends what is in the outbox. Without a mail server it stays there: in the demo for the
    mailbox page, else until it is no more of use."""
    settings = runtime().settings
    mail.delete_expired(now)
    if settings.smtp_host is None:
        return 0
    return mail.deliver(SmtpTransport(settings, runtime().clock), key_of, now)


def delete_expired(now: datetime) -> int:
    """Removes dead sessions and links."""
    return (
        sessions.delete_dead(now)
        + service.delete_expired(now)
        + staff.delete_expired_enrolments(now)
    )


def has_mailbox() -> bool:
    """Whether letters are shown on a page instead of being sent: only ever in the demo."""
    settings = runtime().settings
    return settings.environment is Environment.DEMO and settings.smtp_host is None
