"""The page that a person's last letter leads to: whoever has the link sees how far the erasure is,
and its certificate. Neither names anybody."""

from flask import Response

from consent_service.erasures import service
from consent_service.web.pages import Pages, render

pages = Pages("erasures_pages", __name__)

_TEMPLATE = "erasures/certificate.html"


@pages.get("/requests/certificate/<token>")
def show_certificate(token: str) -> Response:
    """Says how far it is, and shows the certificate once there is one."""
    found = service.find_by_link(token)
    if found is None:
        return render(_TEMPLATE, 404, state="gone")
    state = "waiting" if found.certificate is None else "done"
    return render(_TEMPLATE, state=state, certificate=found.certificate)
