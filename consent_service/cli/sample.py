"""What a demo is filled with: the sample catalogue, the sample people, clients of each kind."""

import json
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import consent_service
from consent_service.accounts import demo as people_demo
from consent_service.catalogue import service as catalogues
from consent_service.catalogue.model import Channel
from consent_service.cli import key_file
from consent_service.cli.context import actor, running_app
from consent_service.config import Settings
from consent_service.consents.service import count_to_ask_again
from consent_service.crypto.keyring import FileProvider
from consent_service.customers import service as customers
from consent_service.decisions import service as decisions
from consent_service.decisions.model import Check, Question
from consent_service.imports import service as imports
from consent_service.imports.model import ImportOptions
from consent_service.kernel.clock import utc_now
from consent_service.kernel.ids import CustomerId, parse_customer_id
from consent_service.oauth import service as oauth
from consent_service.oauth.model import Scope
from consent_service.storage import migrations
from consent_service.web.runtime import keys, now
from consent_service.webhooks import service as webhooks
from consent_service.webhooks.events import FOR_RECIPIENT

NEWSLETTER = "marketing.newsletter"
SAMPLE_SIZE = 200
_PACKAGE = Path(consent_service.__file__).parent
_CATALOGUE = _PACKAGE / "catalogue/sample/catalogue.yaml"
_AUDIENCE = _PACKAGE / "imports/sample/audience_export.zip"
RECIPIENT, OTHER_RECIPIENTS = "email_service", "other_recipients"
_SIGN_IN = ("customer", "officer", "agent", "auditor")
_SCOPES = {
    "admin": frozenset(Scope),
    "campaigns": frozenset({Scope.DECISIONS_CHECK, Scope.CUSTOMERS_READ}),
    "website": frozenset(
        {Scope.CUSTOMERS_READ, Scope.CUSTOMERS_WRITE, Scope.CONSENTS_READ, Scope.CONSENTS_WRITE}
    ),
    "auditor": frozenset({Scope.DISCLOSURES_READ}),
    RECIPIENT: frozenset({Scope.RECIPIENTS_CONFIRM, Scope.DISCLOSURES_WRITE}),
    OTHER_RECIPIENTS: frozenset({Scope.RECIPIENTS_CONFIRM}),
}


@dataclass(frozen=True, slots=True)
class Sample:
    """What there is to try: clients by name, ids and addresses of people, purposes. Those of
    `webhook_secrets`, by client, are told by webhook what people ask for."""

    clients: Mapping[str, Mapping[str, str]]
    customers: list[tuple[str, str]]
    purposes: list[str]
    notice_version: str
    sign_in: Mapping[str, str]
    webhook_secrets: Mapping[str, str]


def prepare(settings: Settings, webhook_url: str) -> Sample:
    """Fills a data directory, or goes on with what is in it. All recipients are told of what people
    ask for at `webhook_url`. Raises: MisconfiguredError."""
    assert settings.data_dir is not None
    if isinstance(settings.key_provider, FileProvider) and not settings.key_provider.path.exists():
        key_file.create(settings.key_provider.path, utc_now())
    with running_app(settings, migrated=False):
        migrations.migrate()
        load_catalogue()
        secrets = settings.data_dir / "demo-clients.json"
        first_time = not secrets.exists()
        if first_time:
            import_audience()
        clients = make_clients(secrets)
        catalogue = catalogues.current()
        notice = catalogue.notice_in_use(catalogue.purposes[NEWSLETTER].notice, now())
        assert notice is not None
        people = customers.list_sample(keys(), SAMPLE_SIZE)
        if first_time:
            ask_about(parse_customer_id(people[0][0]))
        people_demo.make_staff(now(), keys())
        links = people_demo.sign_in_links(
            settings.base_url, parse_customer_id(people[0][0]), keys()
        )
        sign_in = {kind: links[kind] for kind in _SIGN_IN}
        told = {
            name: make_webhook(name, webhook_url, settings)
            for name in (RECIPIENT, OTHER_RECIPIENTS)
        }
        return Sample(clients, people, list(catalogue.purposes), notice.version, sign_in, told)


def load_catalogue() -> None:
    """Loads the sample catalogue where there is none."""
    try:
        catalogues.current()
    except catalogues.NoCatalogue:
        catalogues.load_catalogue(_CATALOGUE.read_bytes(), actor(), now(), count_to_ask_again)


def import_audience() -> None:
    """Imports the sample people."""
    options = ImportOptions(NEWSLETTER, Channel.EMAIL, "import")
    imports.import_mailchimp(_AUDIENCE, options, actor(), now(), keys(), lambda _: None)


def ask_about(customer: CustomerId) -> None:
    """Asks about one of the sample people, for each use there is, so that they have a record."""
    for purpose in catalogues.current().purposes.values():
        for channel in purpose.channels or (None,):
            question = Question(purpose.key, channel, None, purpose.recipients[0])
            decisions.check(Check(question, customer, None, {}), "campaigns", now(), keys())


def make_clients(secrets: Path) -> dict[str, dict[str, str]]:
    """The demo's clients, each with a secret that works: the one in the file `secrets`, which
    the demo alone keeps, or a new one."""
    kept = _read_secrets(secrets)
    others = sorted(set(catalogues.current().recipients) - {RECIPIENT})
    asks_for = {
        "admin": (RECIPIENT, *others),
        "campaigns": (RECIPIENT,),
        RECIPIENT: (RECIPIENT,),
        OTHER_RECIPIENTS: tuple(others),
    }
    made = {
        name: {
            "client_id": name,
            "client_secret": _secret(name, scopes, asks_for.get(name, ()), kept.get(name, "")),
            "scope": " ".join(sorted(scopes)),
        }
        for name, scopes in _SCOPES.items()
    }
    _write_privately(secrets, {name: client["client_secret"] for name, client in made.items()})
    return made


def make_webhook(client: str, url: str, settings: Settings) -> str:
    """A client's webhook, in place of the one that an earlier demo made; its secret."""
    for each in webhooks.list_webhooks():
        if each.client_id == client:
            webhooks.delete_webhook(each.id, actor(), now())
    hosts = settings.private_hosts
    _, secret = webhooks.add_webhook(
        url, [FOR_RECIPIENT], client, actor(), now(), keys(), private_hosts=hosts
    )
    return secret


def _secret(name: str, scopes: frozenset[Scope], recipients: tuple[str, ...], kept: str) -> str:
    if oauth.authenticate_client(name, kept, now()) is not None:
        return kept
    if oauth.find_client(name) is not None:
        return oauth.rotate_secret(name, timedelta(), actor(), now()).secret
    return oauth.create_client(
        name, name, frozenset(scope.value for scope in scopes), recipients, actor(), now()
    ).secret


def _read_secrets(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _write_privately(path: Path, value: object) -> None:
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=".demo-")  # of mode 0600
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(value, file, indent=2)
    os.replace(name, path)
