"""What the letters of this room say, in the language of whoever gets them."""

from consent_service.mail import layout
from consent_service.mail.model import Letter
from consent_service.web.texts import ENGLISH, language_for, say

SIGN_IN_LINK = "sign_in_link"


def sign_in_link(address: str, language_code: str, site: str, link: str) -> Letter:
    """The letter with a link to sign in by."""
    language = language_for(language_code) or ENGLISH
    return layout.write(
        address,
        language.code,
        language.direction,
        site,
        say(language, "Your link to sign in"),
        (
            say(language, "You asked to sign in. Open this link in the browser where you asked."),
            say(language, "It works once, for 10 minutes."),
        ),
        (say(language, "Sign in"), link),
        (
            say(
                language,
                "Did you not ask for it? Then you need not do anything: without this link "
                "nobody can sign in.",
            ),
        ),
    )
