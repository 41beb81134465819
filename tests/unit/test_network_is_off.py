import socket

import pytest

from tests.support.network import NetworkOff


@pytest.mark.parametrize("host", ["192.0.2.1", "example.org", "2001:db8::1", "8.8.8.8"])
def test_another_machine_is_out_of_reach(host):
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as reaching, pytest.raises(NetworkOff):
        reaching.connect((host, 443))
    with pytest.raises(NetworkOff):
        socket.create_connection((host, 443), timeout=1)


def test_this_machine_is_in_reach():
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = server.getsockname()
        with socket.create_connection(address), socket.socket() as another:
            another.connect(address)
