"""Reading problem replies."""

import itertools

from tests.support.shop import EVERYTHING

_numbers = itertools.count(1)

UNKNOWN = "cus_01m80ge7tefhbsz47m5mr89kwr"


def fault(reply):
    """Pointer and code of the only fault."""
    assert reply.status_code == 422, reply.json
    (found,) = reply.json["errors"]
    return found["pointer"], found["code"]


def faults(reply):
    """The pointers of every fault."""
    return [each["pointer"] for each in reply.json["errors"]]


def without_request(reply):
    """A problem without what is of this one request."""
    return {n: value for n, value in reply.json.items() if n not in ("request_id", "instance")}


def assert_same_as_never_known(shop, method, path, body=None, headers=None):
    """404, and the same for an id that nobody ever had, one that cannot be, and one of another
    kind of thing."""
    other = shop.customer()
    replies = [
        shop.api.send(method, path.format(each), body, headers=headers)
        for each in (UNKNOWN, "cus_1", "cus_", "x", "evt_" + other[4:], other.upper(), other[:-1])
    ]
    assert {reply.status_code for reply in replies} == {404}
    assert len({repr(without_request(reply)) for reply in replies}) == 1
    assert without_request(replies[0])["code"] == "not_found"


def assert_needs_scope(open_shop, scope, method, path, body=None):
    """403 with every other scope, and nothing of the route comes before."""
    stranger = open_shop(f"stranger{next(_numbers)}", EVERYTHING - {scope})
    reply = stranger.api.send(method, path, body)
    assert (reply.status_code, reply.json["code"]) == (403, "insufficient_scope")
    assert reply.json["detail"] == f"The token lacks the scope {scope}."
    assert f'scope="{scope}"' in reply.headers["WWW-Authenticate"]
