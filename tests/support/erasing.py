"""Erasures as tests bring them on, with the worker's part done step by step."""

from consent_service.crypto import signing
from consent_service.erasures import cleaning
from consent_service.erasures.model import SWEEP_AFTER
from tests.support import log
from tests.support.requests import BASE, Desk


class Eraser(Desk):
    def seal(self):
        """Until nothing is left to seal: ids are made by the real clock."""
        with self.shop.app.app_context():
            return log.seal()

    def clean(self):
        with self.shop.app.app_context():
            return cleaning.clean(self.shop.clock())

    def erased(self, request):
        """Brings an approved erasure to where the person is gone."""
        self.carry_out()
        self.seal()
        self.carry_out()

    def swept(self, request):
        """And to where nothing of them is left in any file."""
        self.erased(request)
        self.shop.clock.advance(SWEEP_AFTER)
        self.carry_out()
        self.clean()

    def certificate(self, request):
        """What the certificate of an erasure says, its signature checked."""
        reply = self.shop.api.get(f"{BASE}/{request}/certificate")
        assert reply.status_code == 200, reply.json
        jwks = self.shop.api.get("/oauth/jwks.json").json
        return signing.verify(jwks, reply.get_data(as_text=True), "erasure-certificate+jws")

    def run(self, request):
        """And on; its state."""
        self.swept(request)
        self.answer()
        self.carry_out()
        return self.state(request)
