"""SQLAlchemy keeps what it compiled with each engine. Thousands of tests have an engine of their
own and send the same statements: compiled once for each kind of store is enough."""

from collections import defaultdict


class _Compiled(dict):
    """What engines of one kind would keep: by all but the dialect, of which each has its own."""

    def get(self, key, default=None):
        return super().get(key[1:], default)

    def __setitem__(self, key, compiled):
        super().__setitem__(key[1:], compiled)


_kept = defaultdict(_Compiled)


def compile_once(engine):
    """Has an engine keep what it compiles where others of its kind find it."""
    engine.update_execution_options(compiled_cache=_kept[engine.dialect.name])
