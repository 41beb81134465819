"""Settings: read once from the environment (`CONSENT_…`), frozen, refused when unsafe."""

from enum import StrEnum
from pathlib import Path
from typing import Self

from pydantic import Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from consent_service.crypto.keyring import FileProvider, KeyProvider, TextProvider
from consent_service.kernel.errors import MisconfiguredError

PREFIX = "CONSENT_"


class Environment(StrEnum):
    """Where the service runs; `demo` shows sample people and may show its own secrets."""

    PRODUCTION = "production"
    DEMO = "demo"


class SmtpSecurity(StrEnum):
    """How the mail server is spoken to. `none` is for one on this machine, or for the demo."""

    STARTTLS = "starttls"
    TLS = "tls"
    NONE = "none"


class Settings(BaseSettings):
    """Every setting. Nothing has a default that would be unsafe in production."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="ignore")

    environment: Environment = Environment.PRODUCTION
    database_url: SecretStr | None = None
    data_dir: Path | None = None
    key_file: Path | None = None
    journal_dir: Path | None = None
    keyring: SecretStr | None = None
    base_url: str = "http://127.0.0.1:8000"
    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=1, le=65535)
    workers: int = Field(default=2, ge=1, le=64)
    threads: int = Field(default=8, ge=1, le=64)
    trusted_proxies: int = Field(default=0, ge=0, le=8)
    client_requests_per_minute: int = Field(default=60_000, ge=1, le=100_000_000)
    smtp_host: str | None = None
    smtp_port: int = Field(default=587, ge=1, le=65535)
    smtp_user: str | None = None
    smtp_password: SecretStr | None = None
    smtp_from: str | None = None
    smtp_security: SmtpSecurity = SmtpSecurity.STARTTLS
    smtp_ca_file: Path | None = None
    webhook_private_hosts: str = ""

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.data_dir is None and self.database_url is None:
            raise ValueError(
                "set CONSENT_DATABASE_URL (PostgreSQL), or CONSENT_DATA_DIR for one SQLite file"
            )
        if self.key_file is not None and self.keyring is not None:
            raise ValueError("set one of CONSENT_KEY_FILE and CONSENT_KEYRING, not both")
        if self.key_file is None and self.keyring is None and self.data_dir is None:
            raise ValueError("set CONSENT_KEY_FILE; `consent keys init FILE` makes one")
        return self

    @model_validator(mode="after")
    def _check_mail(self) -> Self:
        if self.smtp_host is not None and self.smtp_from is None:
            raise ValueError("set CONSENT_SMTP_FROM, the address that mails come from")
        if (self.smtp_user is None) != (self.smtp_password is None):
            raise ValueError("set both of CONSENT_SMTP_USER and CONSENT_SMTP_PASSWORD, or neither")
        clear = self.smtp_host is not None and self.smtp_security is SmtpSecurity.NONE
        local = self.smtp_host in ("localhost", "127.0.0.1", "::1")
        if clear and not local and self.environment is Environment.PRODUCTION:
            raise ValueError("CONSENT_SMTP_SECURITY=none is for a mail server on this machine")
        return self

    @property
    def database(self) -> str:
        """The database URL: the one set, or the SQLite file of the data directory."""
        if self.database_url is not None:
            return self.database_url.get_secret_value()
        assert self.data_dir is not None  # _check refuses both being absent
        return f"sqlite:///{(self.data_dir / 'consent.sqlite3').absolute()}"

    @property
    def private_hosts(self) -> frozenset[str]:
        """The hosts that webhooks may be at though their addresses are private."""
        return frozenset(self.webhook_private_hosts.lower().replace(",", " ").split())

    @property
    def key_provider(self) -> KeyProvider:
        """Where the keyring comes from."""
        if self.keyring is not None:
            return TextProvider(self.keyring.get_secret_value(), "CONSENT_KEYRING")
        if self.key_file is not None:
            return FileProvider(self.key_file)
        assert self.data_dir is not None  # _check refuses all being absent
        return FileProvider(self.data_dir / "keys.json")


def load_settings(*, without: frozenset[str] = frozenset(), **overrides: object) -> Settings:
    """Settings from the environment, with the given ones (None: not given) on top. Those
    named in `without` are unset whatever the environment says.

    Raises: MisconfiguredError with one line for each thing to set, values left out.
    """
    given: dict[str, object] = dict.fromkeys(without)
    given |= {name: value for name, value in overrides.items() if value is not None}
    try:
        return Settings(**given)  # type: ignore[arg-type]  # pydantic checks each one
    except ValidationError as error:
        lines = []
        for problem in error.errors(include_input=False, include_url=False):
            place = "".join(f"{PREFIX}{str(part).upper()}: " for part in problem["loc"])
            lines.append(place + problem["msg"].removeprefix("Value error, "))
        raise MisconfiguredError("; ".join(lines)) from None
