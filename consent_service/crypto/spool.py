"""A file that nobody else can read: what is put aside while a request is answered.

It has no name, and what is on the disk is AES-256-CTR under a key that only this process has and
that goes with it. Each spool has a key of its own, so that a counter never comes twice.
Source: NIST SP 800-38A.
"""

import io
import os
import tempfile
from typing import Any

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CTR

from consent_service.kernel.errors import Unavailable

_BLOCK = 16


class Spool(io.RawIOBase):
    """Written once from its beginning to its end, and read from anywhere. `size` is in bytes."""

    def __init__(self) -> None:
        super().__init__()
        self._file = tempfile.TemporaryFile()  # noqa: SIM115  # closed with this
        self._secret = os.urandom(32)
        self._writer = self._cipher(0).encryptor()
        self.size = 0
        self._at = 0

    def readable(self) -> bool:
        """Yes."""
        return True

    def writable(self) -> bool:
        """Yes, at its end."""
        return True

    def seekable(self) -> bool:
        """Yes, for reading."""
        return True

    def write(self, part: Any) -> int:
        """Adds to the end. Raises: Unavailable when the disk has no room."""
        given = memoryview(part).cast("B")
        try:
            self._file.seek(0, io.SEEK_END)
            self._file.write(self._writer.update(given))
        except OSError as error:
            raise Unavailable() from error
        self.size += len(given)
        return len(given)

    def readinto(self, buffer: Any) -> int:
        """Fills a buffer from where it is."""
        wanted = memoryview(buffer).cast("B")
        before = self._at % _BLOCK
        self._file.seek(self._at - before)
        closed = self._file.read(before + len(wanted))
        opened = self._cipher(self._at // _BLOCK).decryptor().update(closed)[before:]
        wanted[: len(opened)] = opened
        self._at += len(opened)
        return len(opened)

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Where to read on."""
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self.size}[whence]
        self._at = max(0, start + offset)
        return self._at

    def tell(self) -> int:
        """Where it is read on."""
        return self._at

    def close(self) -> None:
        """Gives its room back."""
        self._file.close()
        super().close()

    def _cipher(self, block: int) -> Cipher[CTR]:
        return Cipher(AES(self._secret), CTR(block.to_bytes(_BLOCK)))
