"""The letter that says that a package is ready. It holds nothing of what is in it."""

from consent_service.mail import layout
from consent_service.mail.model import Letter
from consent_service.privacy_requests.letters import Site, in_words
from consent_service.privacy_requests.model import RequestKind
from consent_service.web.texts import Language, say

READY = "package_ready"


def ready(address: str, language: Language, site: Site, kind: RequestKind) -> Letter:
    """The letter."""
    return layout.write(
        address,
        language.code,
        language.direction,
        site.name,
        say(language, "What you asked for is ready"),
        (
            say(language, "You asked for this:"),
            in_words(kind, language),
            say(
                language,
                "Sign in to fetch it. It can be fetched once, for 7 days; then it is gone, and "
                "you can ask again.",
            ),
        ),
        (say(language, "Sign in"), f"{site.base_url}/requests"),
        (
            say(
                language,
                "Keep it where nobody else can read it: it holds all that we know about you.",
            ),
        ),
    )
