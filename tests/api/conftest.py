import pytest

from tests.support.shop import EVERYTHING, RECIPIENTS, Shop


@pytest.fixture
def open_shop(app, clock, api, make_client, token_for):
    """`open_shop(name, scopes, recipients)`: a client of its own, in few words."""

    def make(name, scopes=EVERYTHING, recipients=RECIPIENTS):
        return Shop(app, clock, api, make_client(name, scopes, recipients), token_for)

    return make


@pytest.fixture
def shop(open_shop):
    """A client that may do everything, and the small catalogue in force."""
    made = open_shop("shop")
    made.load()
    return made
