"""Apps that a person allowed to act for them."""

from contextlib import suppress

from flask import Response, request

from consent_service.accounts import signed_in
from consent_service.kernel.errors import NotFound
from consent_service.oauth import grant_service
from consent_service.oauth.pages import in_words
from consent_service.web.pages import Pages, render, see_other
from consent_service.web.runtime import now

pages = Pages("portal_apps", __name__)

_APPS = "/account/apps"


@pages.get(_APPS)
@signed_in.require_customer
def show_apps() -> Response:
    """Those that may act, and those that might once."""
    found = grant_service.list_grants(signed_in.get_customer())
    return render(
        "portal/apps.html",
        apps=[
            {
                "id": grant.client_id,
                "name": grant.client_id if client is None else client.name,
                "may": [in_words(scope) for scope in sorted(grant.scopes)],
                "grant": grant,
                "live": grant.is_live(now()),
            }
            for grant, client in found
        ],
        ended=request.args.get("ended") == "1",
    )


@pages.post(_APPS)
@signed_in.require_customer
def end_app() -> Response:
    """Ends what an app may; twice is as good as once."""
    with suppress(NotFound):
        grant_service.end_grant(signed_in.get_customer(), request.form.get("app", ""), now())
    return see_other(f"{_APPS}?ended=1")
