"""A person at their own pages, without JavaScript."""

import re
from html import unescape

from consent_service.accounts import sessions
from consent_service.accounts.model import Browser as Kind
from consent_service.kernel.ids import parse_customer_id
from consent_service.web import cookies
from tests.support.pages import Browser, forms_of


class Person:
    """Somebody who is signed in as a customer; a session lasts as long as the clock lets it."""

    def __init__(self, app, clock, customer, *, language="en"):
        self.app, self.clock, self.customer = app, clock, customer
        self.browser = Browser(app, language=language)
        self.sign_in()

    def sign_in(self):
        with self.app.app_context():
            customer = parse_customer_id(self.customer)
            token = sessions.begin(customer, None, Kind.FIREFOX, None, self.clock())
        self.browser.take_cookie(cookies.SESSION, token)

    def get(self, path):
        return self.browser.get(path)

    def form(self, path="/choices", at=-1):
        """The fields of a form as it is opened, less what is ticked: the last one for that path."""
        page = self.get(path)
        assert page.status_code == 200, page.text
        found = [form for form in forms_of(page) if (form["action"] or path) == path]
        fields = found[at]["fields"]
        return {name: value for name, value in fields.items() if value not in ("yes", "no")}

    def choose(self, answers, form=None):
        """Sends answers by use (`news/email`), in a form that was opened now or before."""
        return self.browser.post("/choices", {**(form or self.form()), **answers})

    def all(self, answer):
        return self.browser.post("/choices", {**self.form(), "all": answer})

    def follow(self, reply):
        assert reply.status_code == 303, reply.text
        return self.get(reply.headers["Location"])

    def states(self, path="/choices"):
        """What the page says of each use."""
        text = self.get(path).text
        found = re.findall(r'class="state[^"]*" id="([^"]+)-state">([^<]*)<', text)
        return {name: unescape(said) for name, said in found}

    def ticked(self):
        """Which answers are ticked on opening."""
        radios = re.findall(r'<input type="radio" id="([^"]+)"[^>]*>', self.get("/choices").text)
        page = self.get("/choices").text
        return {i for i in radios if re.search(rf'id="{i}"[^>]* checked', page)}
