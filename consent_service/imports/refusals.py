"""The list of refused rows: a CSV with file, line and reason, and nothing of the rows."""

import csv
import os
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from consent_service.imports.model import Refusal, Row
from consent_service.kernel.errors import Invalid


class Refusals:
    """Written to as rows are refused; the file, mode 0600, is made at the first one."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._stack = ExitStack()
        self._writer: Any = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.close()

    @property
    def path(self) -> Path | None:
        """Where the list is; None while there is none."""
        return None if self._writer is None else self._path

    def add(self, row: Row, refusal: Refusal) -> None:
        """Lists a row. Raises: Invalid when the file cannot be written."""
        if self._path is None:
            return
        try:
            if self._writer is None:
                self._writer = self._open(self._path)
            self._writer.writerow([row.file, row.line, f"{refusal.value}: {refusal.text}"])
        except OSError as error:
            raise Invalid(f"The refused rows cannot be listed: {error.strerror}.") from None

    def _open(self, path: Path) -> Any:
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW
        descriptor = os.open(path, flags, 0o600)
        file = self._stack.enter_context(os.fdopen(descriptor, "w", encoding="utf-8", newline=""))
        os.fchmod(descriptor, 0o600)
        writer = csv.writer(file)
        writer.writerow(["file", "line", "reason"])
        return writer
