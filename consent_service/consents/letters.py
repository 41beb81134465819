"""What the letters of this room say, in the language of whoever gets them."""

from consent_service.mail import layout
from consent_service.mail.model import Letter
from consent_service.web.texts import Language, say

CONFIRMATION = "consent_confirmation"


def confirmation(
    address: str, language: Language, site: str, title: str, description: str, link: str
) -> Letter:
    """The letter with the link that makes a yes count."""
    return layout.write(
        address,
        language.code,
        language.direction,
        site,
        say(language, "Confirm your yes"),
        (
            say(language, "You said yes to this:"),
            title,
            description,
            say(language, "It counts only when you confirm it. The link works for 7 days."),
        ),
        (say(language, "Confirm your yes"), link),
        (
            say(
                language,
                "Was it not you? Then you need not do anything: what is not confirmed is not used.",
            ),
        ),
    )
