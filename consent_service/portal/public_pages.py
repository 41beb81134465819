"""What everybody may read: what data is used for, and where to turn."""

from flask import Response

from consent_service.accounts import signed_in
from consent_service.catalogue import service as catalogues
from consent_service.catalogue.model import LegalBasis
from consent_service.portal import words
from consent_service.portal.cards import card
from consent_service.portal.navigation import ABOUT, HELP
from consent_service.web.pages import Pages, language, render
from consent_service.web.runtime import now

pages = Pages("portal_public", __name__)


@pages.get(ABOUT)
def show_uses() -> Response:
    """Every purpose of the catalogue: what, by whom, from where, how long."""
    signed_in.customer()  # whoever is signed in finds their way back
    spoken, catalogue = language(), catalogues.current()
    found = [
        card(purpose, catalogue, catalogue.notice_in_use(purpose.notice, now()), spoken)
        for purpose in catalogue.purposes.values()
    ]
    return render(
        "portal/uses.html",
        groups=[
            (words.basis(basis, spoken), [c for c in found if c.purpose.legal_basis is basis])
            for basis in LegalBasis
        ],
        controller=catalogue.controller,
        since=words.date(catalogue.recorded_from, spoken),
        channels_of=lambda purpose: [words.channel(each, spoken) for each in purpose.channels],
        listed=lambda names: words.listed(names, spoken),
    )


@pages.get(HELP)
def show_help() -> Response:
    """Answers, and whom to ask."""
    signed_in.customer()
    return render("portal/help.html", controller=catalogues.current().controller)
