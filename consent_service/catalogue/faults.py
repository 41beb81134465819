"""What is wrong with a document, each fault with the line it stands on."""

from collections.abc import Mapping

from consent_service.kernel.errors import FieldError, Invalid

MAX_FAULTS = 100


class Faults:
    """Collects faults, so that whoever wrote the document sees them all at once.

    `lines` is by JSON Pointer, from 1; a pointer without a line has that of what it is in.
    """

    def __init__(self, lines: Mapping[str, int]) -> None:
        self._lines = lines
        self._found: list[tuple[int, FieldError]] = []

    def add(self, pointer: str, code: str, text: str) -> None:
        """Notes a fault. `text` names keys of the document, never a value."""
        if len(self._found) < MAX_FAULTS:
            line = self._line(pointer)
            self._found.append((line, FieldError(pointer, code, f"line {line}: {text}")))

    def raise_any(self) -> None:
        """Raises: Invalid with every fault, in order of lines, when there is one."""
        if self._found:
            ordered = sorted(self._found, key=lambda found: found[0])
            raise Invalid(errors=tuple(error for _, error in ordered))

    def _line(self, pointer: str) -> int:
        while pointer and pointer not in self._lines:
            pointer = pointer.rpartition("/")[0]
        return self._lines.get(pointer, 1)


def name_of(pointer: str) -> str:
    """What a pointer leads to, in words: its last key, with the place in a list if there is one.

    `/purposes/0/channels/1` → `channels[1]`.
    """
    name, places = "the document", ""
    for step in reversed(pointer.split("/")):
        if not step.isdecimal():
            name = step or name
            break
        places = f"[{step}]{places}"
    return name + places
