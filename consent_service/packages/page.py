"""A package as a page that anybody can read: one file, no script, nothing loaded from elsewhere.

It tells all tables in full but the log, of which it has each thing that happened once, with how
often, and the newest entries.
"""

import base64
import hashlib
import json
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from consent_service.kernel.clock import rfc3339
from consent_service.packages.gathered import Gathered
from consent_service.packages.log_rows import Uses
from consent_service.packages.words import Words
from consent_service.web.texts import Language, translations

_STYLE = (Path(__file__).parent / "page.css").read_text(encoding="utf-8")


def html_text(
    head: Mapping[str, Any], gathered: Gathered, uses: Uses, language: Language
) -> Iterator[bytes]:
    """The page, portion by portion."""
    template = _environment(language.code).get_template("packages/package.html")
    made = template.generate(
        head=head,
        language=language,
        words=Words(language),
        portable=gathered.portable,
        rows=gathered.rows,
        count=gathered.count,
        wordings=_wordings(gathered),
        kinds=sorted(uses.kinds.values(), key=lambda use: use.last, reverse=True),
        newest=list(reversed(uses.newest)),
        instant=rfc3339,
        plain=_plain,
        style=_STYLE,
        style_hash=base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode(),
    )
    for part in made:
        yield part.encode()


def _wordings(gathered: Gathered) -> dict[tuple[str, str], int]:
    """Each wording that was shown, once: (text, language) and its number."""
    found: dict[tuple[str, str], int] = {}
    for row in gathered.rows("consent_events"):
        if row["wording"] is not None:
            found.setdefault((row["wording"], row["language"]), len(found) + 1)
    return found


def _plain(value: Any) -> str:
    """A value of somebody's evidence, to be read."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


@lru_cache(maxsize=8)
def _environment(code: str) -> Environment:
    made = Environment(
        loader=PackageLoader("consent_service.packages"),
        autoescape=True,
        undefined=StrictUndefined,
        extensions=["jinja2.ext.i18n"],
        trim_blocks=True,
        lstrip_blocks=True,
    )
    texts = translations(code)
    made.install_gettext_callables(  # type: ignore[attr-defined]  # the extension's own
        texts.gettext, texts.ngettext, newstyle=True
    )
    return made
