"""Switches the network off: only this machine answers a test."""

import ipaddress
import socket


class NetworkOff(Exception):
    """A test reached for another machine."""


def switch_off(monkeypatch):
    for name in ("connect", "connect_ex"):
        monkeypatch.setattr(socket.socket, name, _guarded(getattr(socket.socket, name)))
    resolve = socket.getaddrinfo
    monkeypatch.setattr(
        socket, "getaddrinfo", lambda host, *rest, **more: resolve(_local(host), *rest, **more)
    )


def _guarded(connect):
    def guarded(self, address):
        if self.family in (socket.AF_INET, socket.AF_INET6):
            _local(address[0])
        return connect(self, address)

    return guarded


def _local(host):
    name = host.decode() if isinstance(host, bytes) else host
    if name in (None, "", "localhost"):
        return host
    try:
        local = ipaddress.ip_address(name).is_loopback
    except ValueError:
        local = False
    if not local:
        raise NetworkOff(f"a test wanted to reach {name}; tests speak to this machine only")
    return host
