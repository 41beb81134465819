"""Packages as tests ask for them, make them and read them."""

import io
import json
import zipfile

from consent_service.packages import jobs
from tests.support.requests import BASE, Desk


class Packing(Desk):
    """A shop's requests for access and portability, and the worker's part in them."""

    def make(self, *, silent=False):
        """The worker asks for packages, recipients say that they hold nothing unless they are to
        be silent, the worker makes packages, and ends requests; how many it made."""
        self.carry_out()
        if not silent:
            self.answer(outcome="nothing_held")
        made = self.build()
        self.carry_out()
        return made

    def build(self):
        with self.shop.app.app_context():
            return jobs.build(self.shop.clock())

    def ready(self, who, kind="access", **more):
        """The id of a request whose package is ready."""
        request = self.approved(who, kind, **more)
        assert self.make() == 1
        assert self.state(request) == "done"
        return request

    def fetch(self, request, api=None):
        """The reply, read to its end: what is not read was not fetched."""
        reply = (api or self.shop.api).get(f"{BASE}/{request}/package")
        reply.get_data()
        return reply

    def package(self, who, kind="access", **more):
        """What is in the package of somebody, fetched."""
        return self.contents(self.fetch(self.ready(who, kind, **more)))

    def contents(self, reply):
        assert reply.status_code == 200, reply.json
        return Contents(reply.get_data())


class Contents:
    """The files of a package."""

    def __init__(self, archive):
        with zipfile.ZipFile(io.BytesIO(archive)) as read:
            assert read.testzip() is None
            self.files = {name: read.read(name) for name in read.namelist()}

    @property
    def json(self):
        return json.loads(self.files["package.json"])

    @property
    def html(self):
        return self.files["index.html"].decode()

    @property
    def tables(self):
        """{name: text of its CSV}."""
        return {
            name.removeprefix("tables/").removesuffix(".csv"): text.decode("utf-8-sig")
            for name, text in self.files.items()
            if name.startswith("tables/")
        }
