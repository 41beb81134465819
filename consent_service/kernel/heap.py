"""The memory of a process, where the GNU C library looks after it; nothing is done elsewhere."""

import ctypes
from functools import cache

_ARENA_MAX = -8  # in malloc.h


def share_heap() -> None:
    """Has threads take memory from where others gave it back, and not each from a place of its own.
    That is so of those that begin after this, here and in processes that are forked, and as long as
    none had a place of its own before."""
    library = _library()
    if library is not None:
        library.mallopt(_ARENA_MAX, 1)


def trim_heap() -> None:
    """Gives back what is free."""
    library = _library()
    if library is not None:
        library.malloc_trim(0)


@cache
def _library() -> ctypes.CDLL | None:
    library = ctypes.CDLL(None)
    return library if hasattr(library, "malloc_trim") else None
