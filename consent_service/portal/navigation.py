"""Where one can go from every page."""

from consent_service.accounts import signed_in
from consent_service.web.pages import Menu, language
from consent_service.web.texts import say

CHOICES, USE, DATA, REQUESTS, ACCOUNT = "/choices", "/use", "/data", "/requests", "/account"
ABOUT, HELP = "/privacy", "/help"


def menu() -> Menu:
    """The customer's pages on top, as far as it is known that a customer is signed in; what
    everybody may read below."""
    spoken = language()
    foot = [(ABOUT, say(spoken, "How we use data")), (HELP, say(spoken, "Help"))]
    if signed_in.known_customer() is None:
        return Menu((), foot)
    main = [
        (CHOICES, say(spoken, "My choices")),
        (USE, say(spoken, "How it was used")),
        (DATA, say(spoken, "My data")),
        (REQUESTS, say(spoken, "My requests")),
        (ACCOUNT, say(spoken, "My account")),
    ]
    return Menu(main, foot)
