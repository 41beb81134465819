"""A browser without JavaScript: keeps cookies, fills in forms, follows where it is led."""

import re
from html.parser import HTMLParser

BASE = "https://consent.example.org"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


class Browser:
    """One browser; another one has other cookies."""

    def __init__(self, app, *, language="en", address="192.0.2.1"):
        self._client = app.test_client()
        self.headers = {"User-Agent": FIREFOX, "Accept-Language": language}
        self.address = address

    def get(self, path, **more):
        return self._open("GET", path, **more)

    def post(self, path, data=None, **more):
        """A form as another site, or nobody's page, would send it."""
        return self._open("POST", path, data=data or {}, **more)

    def submit(self, page, action=None, press=None, **typed):
        """Fills in and sends the form of a page, by default the first one."""
        wanted = [form for form in forms_of(page) if action in (None, form["action"])]
        assert wanted, f"no form for {action} in {page.text}"
        fields = {**wanted[0]["fields"], **typed, **(press or {})}
        return self.post(wanted[0]["action"] or page.request.path, fields)

    def follow(self, reply):
        assert reply.status_code == 303, reply.text
        return self.get(reply.headers["Location"])

    def cookies(self):
        return {cookie.key: cookie.value for cookie in self._client._cookies.values()}

    def take_cookie(self, name, value):
        self._client.set_cookie(name, value, domain="consent.example.org", secure=True)

    def _open(self, method, path, headers=None, **more):
        return self._client.open(
            path,
            method=method,
            base_url=BASE,
            headers={**self.headers, **(headers or {})},
            environ_base={"REMOTE_ADDR": self.address},
            **more,
        )


class _Forms(HTMLParser):
    def __init__(self):
        super().__init__()
        self.forms = []

    def handle_starttag(self, tag, attrs):
        found = dict(attrs)
        if tag == "form":
            self.forms.append(
                {"action": found.get("action"), "method": found.get("method"), "fields": {}}
            )
        if tag == "input" and self.forms and found.get("name"):
            self.forms[-1]["fields"][found["name"]] = found.get("value", "")


def forms_of(page):
    """Every form of a page: action, method, fields with what stands in them."""
    parser = _Forms()
    parser.feed(page.text)
    return parser.forms


def links_in(text):
    """The addresses in a text, as paths."""
    return [
        re.sub(r"^https?://[^/]+", "", link) for link in re.findall(r"https?://[^\s\"<>]+", text)
    ]


def cookie_set(reply, name):
    """How a reply sets a cookie, as text; None when it does not."""
    return next((c for c in reply.headers.getlist("Set-Cookie") if c.startswith(name + "=")), None)
