"""How a room serves pages: one blueprint class whose POSTs are checked, one way to render.

No page has a script or a style of its own, and every one works without JavaScript.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar
from urllib.parse import parse_qsl, quote, urlencode

from babel.dates import format_date, format_time
from flask import Blueprint, Flask, Response, current_app, g, redirect, render_template, request
from werkzeug.exceptions import HTTPException

from consent_service.kernel.errors import DomainError, MisconfiguredError, NotFound, TooMany
from consent_service.web import brand, cookies, forms, problems
from consent_service.web.brand import Asset, Brand
from consent_service.web.forms import csrf_token
from consent_service.web.problems import status_of
from consent_service.web.texts import ENGLISH, LANGUAGES, Language, language_for, translations

View = TypeVar("View", bound=Callable[..., Any])

BRAND = "consent.brand"
MENU = "consent.menu"
OPTED_OUT = "consent.opted_out"
MAILBOX_PATH = "consent.mailbox_path"
CHOSEN = "lang"

_SELF = "'self'"
_SAFE_PATH = re.compile(r"/(?![/\\])[\x21-\x5b\x5d-\x7e]*")


@dataclass(frozen=True, slots=True)
class Menu:
    """Where one can go from every page, as (path, label): `main` on top, `foot` below."""

    main: Sequence[tuple[str, str]] = ()
    foot: Sequence[tuple[str, str]] = ()


def init_app(app: Flask, whose: Callable[[], Brand]) -> None:
    """Makes pages possible. `whose` says whose they are."""
    app.extensions[BRAND] = whose
    app.extensions[MENU] = Menu
    app.extensions[OPTED_OUT] = lambda: False
    app.jinja_env.add_extension("jinja2.ext.i18n")
    app.jinja_env.install_gettext_callables(  # type: ignore[attr-defined]  # the extension's own
        lambda text: translations(language().code).gettext(text),
        lambda one, many, n: translations(language().code).ngettext(one, many, n),
        newstyle=True,
    )
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.register_error_handler(HTTPException, _show_unmatched)
    app.register_blueprint(shared)


def render(
    template: str, status: int = 200, *, form_targets: Sequence[str] = (), **values: Any
) -> Response:
    """A page. `form_targets` are the origins, beside ours, to which a form of it may lead."""
    ours: Brand = current_app.extensions[BRAND]()
    html = render_template(
        template,
        language=language(),
        languages=LANGUAGES.values(),
        address_in=_address_in,
        site_name=ours.name,
        style_path=brand.style(ours.accent).path,
        logo=brand.logo(ours.logo),
        menu=current_app.extensions[MENU](),
        opted_out=current_app.extensions[OPTED_OUT](),
        csrf_token=csrf_token,
        local_time=_local_time,
        mailbox_path=current_app.extensions.get(MAILBOX_PATH),
        **values,
    )
    response = Response(html, status, mimetype="text/html")
    response.headers["Content-Security-Policy"] = (
        "default-src 'none'; style-src 'self'; img-src 'self' data:; base-uri 'none'; "
        f"form-action {' '.join([_SELF, *form_targets])}; frame-ancestors 'none'"
    )
    response.headers["Vary"] = "Accept-Language, Cookie"
    return response


def see_other(path: str) -> Response:
    """Leads to another page of ours after a POST."""
    made = redirect(path, 303)
    assert isinstance(made, Response)
    return made


def safe_path(given: str | None, otherwise: str = "/") -> str:
    """`given` when it is a path of ours and cannot lead elsewhere; else `otherwise`."""
    if given and len(given) <= 2_000 and _SAFE_PATH.fullmatch(given):
        return given
    return otherwise


def language() -> Language:
    """The language of the form that was sent, else the one chosen on a page, else the one that
    the browser asks for, else English."""
    if "language" not in g:
        kept = LANGUAGES.get(cookies.kept().language) or language_asked_for()
        g.language = _choose_language(kept) or kept
    found = g.language
    assert isinstance(found, Language)
    return found


def _choose_language(kept: Language) -> Language | None:
    """The language that the address asks for, which is kept from then on. By GET alone: a form
    of another site comes without our cookie, and would have it replaced."""
    chosen = LANGUAGES.get(request.args.get(CHOSEN, ""))
    if chosen is not None and chosen != kept and request.method == "GET":
        cookies.keep_language(chosen.code)
    return chosen


def _address_in(wanted: Language, here: str | None) -> str:
    """Where this page, or the one at `here`, is shown in a language."""
    path, _, query = (here or f"{_way_back()}?{_query()}").partition("?")
    asked = [(name, value) for name, value in parse_qsl(query, True) if name != CHOSEN]
    return f"{path}?{urlencode([*asked, (CHOSEN, wanted.code)])}"


def _query() -> str:
    return request.query_string.decode("ascii", "replace")


def language_asked_for() -> Language:
    """The language of ours that `Accept-Language` likes best, else English."""
    wanted = (language_for(code) for code, quality in request.accept_languages if quality > 0)
    return next((found for found in wanted if found is not None), ENGLISH)


def _local_time(instant: datetime) -> str:
    """An instant in words of the language, with its zone: the server knows no other than UTC."""
    locale = language().locale
    return (
        f"{format_date(instant, locale=locale)}, {format_time(instant, 'short', locale=locale)} UTC"
    )


def _show_error(error: DomainError) -> Response:
    status = status_of(error)
    response = render("error.html", status, code=error.code, back=_way_back())
    if isinstance(error, TooMany):
        response.headers["Retry-After"] = str(error.retry_after)
    if status == 503:
        response.headers["Retry-After"] = "1"
    return response


def _show_http_error(error: HTTPException) -> Response:
    status = error.code or 500
    code = problems.HTTP_CODES.get(status, ("error", ""))[0]
    return render("error.html", status, code=code, back=_way_back())


def _show_unmatched(error: HTTPException) -> Response:
    """What no room answers: a page for whoever reads pages, a problem for whoever calls."""
    kinds = request.accept_mimetypes.best_match([problems.MEDIA_TYPE, "text/html"])
    if kinds != "text/html" or request.path.startswith("/v1/"):
        return problems.from_http(error)
    return cookies.send(_show_http_error(error))


def _show_misconfigured(error: MisconfiguredError) -> Response:
    status = problems.from_misconfigured(error).status_code
    return render("error.html", status, code="unavailable", back=_way_back())


def _show_unknown(error: Exception) -> Response:
    status = problems.from_unknown(error).status_code
    return render("error.html", status, code="internal_error", back=_way_back())


def _way_back() -> str:
    """The page that this is, or came from; the start page where nothing can be opened."""
    routes = current_app.create_url_adapter(request)
    if routes is None or "GET" not in routes.allowed_methods():
        return "/"
    return safe_path(quote(request.path))


def from_anywhere(view: View) -> View:
    """Has a page take a form that nobody's page of ours made: what its address holds is all that
    it needs, and no cookie counts."""
    view.from_anywhere = True  # type: ignore[attr-defined]  # read below and by the structure tests
    return view


def _check_form() -> None:
    view = current_app.view_functions[request.endpoint or ""]
    if getattr(view, "from_anywhere", False):
        request.max_content_length = forms.MAX_FORM
    else:
        forms.check()
        shown = LANGUAGES.get(request.form.get(CHOSEN, "")) if request.method == "POST" else None
        if shown is not None:
            g.language = shown


class Pages(Blueprint):
    """A room's pages, with templates in its own `templates` folder."""

    def __init__(self, name: str, import_name: str) -> None:
        super().__init__(name, import_name, template_folder="templates")
        self.before_request(_check_form)
        self.after_request(cookies.send)
        self.register_error_handler(DomainError, _show_error)
        self.register_error_handler(HTTPException, _show_http_error)
        self.register_error_handler(MisconfiguredError, _show_misconfigured)
        self.register_error_handler(Exception, _show_unknown)


shared = Pages("pages", __name__)


@shared.get("/assets/<version>/site.css")
def show_style(version: str) -> Response:
    """The one stylesheet, whose address changes with it."""
    ours: Brand = current_app.extensions[BRAND]()
    return _send(brand.style(ours.accent))


@shared.get("/assets/<version>/logo")
def show_logo(version: str) -> Response:
    """The controller's logo. Opened by itself it is a picture, and nothing in it runs."""
    ours: Brand = current_app.extensions[BRAND]()
    found = brand.logo(ours.logo)
    if found is None:
        raise NotFound()
    response = _send(found)
    response.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    return response


def _send(asset: Asset) -> Response:
    """Kept for good under its own address; under an older one, or a newer, not at all."""
    response = Response(asset.content, mimetype=asset.media_type)
    if request.path == asset.path:
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
    return response
