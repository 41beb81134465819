"""Every text of the pages and letters is there in every language."""

import re
from pathlib import Path

import pytest
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

import consent_service
from consent_service.web.texts import ENGLISH, FOLDER, LANGUAGES, language_for, say, translations

PACKAGE = Path(consent_service.__file__).parent
OTHERS = [code for code in LANGUAGES if code != ENGLISH.code]
_FILLED_IN = re.compile(r"%\(\w+\)s")


@pytest.fixture(scope="module")
def used():
    """Every text that the code or a template says."""
    found = extract_from_dir(
        PACKAGE,
        method_map=[("**.py", "python"), ("**/templates/**.html", "jinja2")],
        options_map={"**/templates/**.html": {"trim_blocks": "1", "lstrip_blocks": "1"}},
        keywords={"_": None, "gettext": None, "ngettext": (1, 2), "say": (2,)},
    )
    texts = set()
    for _, _, message, _, _ in found:
        texts.add(message if isinstance(message, str) else message[0])
    return texts


@pytest.mark.parametrize("code", OTHERS)
def test_every_text_used_is_there_and_no_other(used, code):
    with (FOLDER / f"{code}.po").open("rb") as file:
        messages = [message for message in read_po(file) if message.id]
    ids = {m.id if isinstance(m.id, str) else m.id[0] for m in messages}
    assert used - ids == set(), "add these to the translations"
    assert ids - used == set(), "nothing says these any more"
    assert [m.id for m in messages if not m.string or m.fuzzy] == []


@pytest.mark.parametrize("code", OTHERS)
def test_what_is_filled_in_is_the_same(code):
    with (FOLDER / f"{code}.po").open("rb") as file:
        for message in read_po(file):
            if isinstance(message.id, str) and message.id:
                assert sorted(_FILLED_IN.findall(message.id)) == sorted(
                    _FILLED_IN.findall(str(message.string))
                )


def test_texts_are_said_in_the_language():
    assert say(LANGUAGES["ru"], "Sign in") == "Войти"
    assert say(ENGLISH, "Signed in %(when)s", when="today") == "Signed in today"
    assert translations("ar").gettext("Sign out") == "تسجيل الخروج"


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ("en-GB", "en"),
        ("RU", "ru"),
        ("zh", "zh-Hans"),
        ("zh-CN", "zh-Hans"),
        ("zh-Hant-TW", None),
        ("ar_EG", "ar"),
        ("de", None),
        ("", None),
        (None, None),
    ],
)
def test_codes_find_their_language(given, found):
    language = language_for(given)
    assert (None if language is None else language.code) == found
