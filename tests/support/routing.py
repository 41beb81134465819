"""werkzeug writes, parses and compiles two functions for each route of each app: nine tenths of
what making an app takes. For the thousands of apps of a run, which have the same routes, once is
enough."""

from werkzeug.routing import Rule


def compile_once(patches):
    """Keeps what was compiled, by all that goes into it. `patches` is pytest's monkeypatch."""
    compile_anew, made = Rule._compile_builder, {}

    def compiled(rule, append_unknown=True):
        if rule.defaults:
            return compile_anew(rule, append_unknown)
        seen = (append_unknown, *rule._trace)
        if seen not in made:
            made[seen] = compile_anew(rule, append_unknown)
        return made[seen]

    patches.setattr(Rule, "_compile_builder", compiled)
