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
_AHEAD = 1 << 18


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
            self._file.flush()  # what is told later is told to a reader
        except OSError as error:
            raise Unavailable() from error
        self.size += len(given)
        return len(given)

    def readinto(self, buffer: Any) -> int:
        """Fills a buffer from where it is."""
        read = self.read_at(self._at, buffer)
        self._at += read
        return read

    def read_at(self, start: int, buffer: Any) -> int:
        """Fills a buffer from somewhere; how much there was."""
        wanted = memoryview(buffer).cast("B")
        before = start % _BLOCK
        self._file.seek(start - before)
        closed = self._file.read(before + len(wanted))
        opened = self._cipher(start // _BLOCK).decryptor().update(closed)[before:]
        wanted[: len(opened)] = opened
        return len(opened)

    def reader(self) -> io.BufferedReader:
        """Another way to read it, from its beginning, that minds neither this nor other ones."""
        return io.BufferedReader(_Reader(self), _AHEAD)

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


class _Reader(io.RawIOBase):
    def __init__(self, spool: Spool) -> None:
        super().__init__()
        self._spool, self._at = spool, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        read = self._spool.read_at(self._at, buffer)
        self._at += read
        return read

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._spool.size}[whence]
        self._at = max(0, start + offset)
        return self._at

    def tell(self) -> int:
        return self._at
