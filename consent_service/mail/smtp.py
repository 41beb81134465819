"""Letters over SMTP: one conversation for a batch, begun when the first letter goes.

Source: RFC 5321 (replies of 4yz are for now, of 5yz for good); RFC 3834 (Auto-Submitted).
"""

import smtplib
import ssl
from contextlib import suppress
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr
from uuid import UUID

from consent_service.config import Settings, SmtpSecurity
from consent_service.kernel.clock import Clock
from consent_service.mail.model import Letter
from consent_service.mail.service import Refused, Unreachable

_SECONDS = 10.0


class SmtpTransport:
    """The mail server of the settings."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        assert settings.smtp_host is not None
        assert settings.smtp_from is not None  # the settings refuse a host without it
        self._settings = settings
        self._sender = settings.smtp_from
        self._host = settings.smtp_host
        self._clock = clock
        self._conversation: smtplib.SMTP | None = None

    def send(self, letter: Letter, letter_id: UUID) -> None:
        """Hands one letter over. Raises: Unreachable, Refused."""
        if self._conversation is None:
            self._conversation = self._connect()
        try:
            self._conversation.send_message(self._message(letter, letter_id))
        except smtplib.SMTPRecipientsRefused as error:
            codes = [code for code, _ in error.recipients.values()]
            raise Refused(for_good=all(code >= 500 for code in codes)) from None
        except (smtplib.SMTPSenderRefused, smtplib.SMTPServerDisconnected):
            self.close()  # as good as no server: no letter is at fault
            raise Unreachable() from None
        except smtplib.SMTPResponseException as error:
            raise Refused(for_good=error.smtp_code >= 500) from None
        except (smtplib.SMTPException, ValueError):
            raise Refused(for_good=True) from None  # no server could take it
        except OSError:
            self.close()
            raise Unreachable() from None

    def close(self) -> None:
        """Ends the conversation, if there was one."""
        if self._conversation is not None:
            with suppress(smtplib.SMTPException, OSError):
                self._conversation.quit()
            self._conversation = None

    def _connect(self) -> smtplib.SMTP:
        settings = self._settings
        made: smtplib.SMTP | None = None
        try:
            if settings.smtp_security is SmtpSecurity.TLS:
                made = smtplib.SMTP_SSL(
                    self._host, settings.smtp_port, timeout=_SECONDS, context=self._trust()
                )
            else:
                made = smtplib.SMTP(self._host, settings.smtp_port, timeout=_SECONDS)
            if settings.smtp_security is SmtpSecurity.STARTTLS:
                made.starttls(context=self._trust())
            if settings.smtp_user is not None and settings.smtp_password is not None:
                made.login(settings.smtp_user, settings.smtp_password.get_secret_value())
        except (smtplib.SMTPException, OSError):
            if made is not None:
                made.close()
            raise Unreachable() from None
        return made

    def _trust(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=self._settings.smtp_ca_file)

    def _message(self, letter: Letter, letter_id: UUID) -> EmailMessage:
        message = EmailMessage(policy=SMTP)
        message["From"] = self._sender
        message["To"] = letter.to
        message["Subject"] = letter.subject
        message["Date"] = format_datetime(self._clock())
        domain = parseaddr(self._sender)[1].rpartition("@")[2] or "localhost"
        message["Message-ID"] = f"<{letter_id.hex}@{domain}>"
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(letter.text)
        message.add_alternative(letter.html, subtype="html")
        message["Content-Language"] = letter.language  # what sets content takes such headers away
        return message
