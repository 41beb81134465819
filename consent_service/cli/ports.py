"""Whether a port is free, asked before anything is started."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from consent_service.kernel.errors import MisconfiguredError


@contextmanager
def reserved_port(host: str, port: int, otherwise: str) -> Iterator[None]:
    """Holds a port for this process's children. The web workers share it by SO_REUSEPORT,
    by which a second server could share it too without anybody noticing; a plain socket
    cannot be bound beside one that is held. `otherwise` is how to name another one.

    Raises: MisconfiguredError when it is in use or the host is not of this machine.
    """
    family, address = _resolve(host, port)
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(address)
        except OSError as error:
            raise MisconfiguredError(
                f"cannot listen on {host} port {port}: {error.strerror}; "
                f"stop what is there, or {otherwise}"
            ) from None
    with socket.socket(family) as holder:
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        with suppress(OSError):  # connections of an earlier server linger: the workers still can
            holder.bind(address)
        yield


def _resolve(host: str, port: int) -> tuple[socket.AddressFamily, tuple[object, ...]]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except OSError:
        raise MisconfiguredError(f"CONSENT_HOST: {host} is not an address") from None
    family, _, _, _, address = found[0]
    return family, address
