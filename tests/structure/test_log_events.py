"""Every event of the log is in the table of docs/operations.md, with its level, and no other."""

import ast
import re
from pathlib import Path

import consent_service

PACKAGE = Path(consent_service.__file__).parent
PAGE = Path(__file__).parents[2] / "docs/operations.md"
NAME = re.compile(r"[a-z_]+:[a-z_]+:[a-z0-9_]+")
LEVELS = ("debug", "info", "warning", "error", "exception", "critical")
LOGS_AS_ERROR = "for_each"  # of privacy_requests/steps.py; is handed the event as `failed`


def told():
    """The level of each event, as the table has it."""
    part = PAGE.read_text(encoding="utf-8").partition("\n## Logs\n")[2].partition("\n## ")[0]
    levels = {}
    for row in re.findall(r"^\| (`.+)$", part, re.MULTILINE):
        events, level, _ = (cell.strip() for cell in row.split("|", 2))
        for event in events.split(","):
            assert event.strip(" `") not in levels, f"{event} stands twice"
            levels[event.strip(" `")] = level
    return levels


def logged():
    """The level of each event of the code; None where the name is kept apart from the call."""
    levels = {}
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                levels |= dict.fromkeys(filter(is_event, node.args), level_of(node))
            elif is_event(node):
                levels.setdefault(node, None)
    by_name = {}
    for node, level in levels.items():
        by_name[node.value] = level or by_name.get(node.value)
    return by_name


def is_event(node):
    text = node.value if isinstance(node, ast.Constant) else None
    return isinstance(text, str) and NAME.fullmatch(text) is not None


def level_of(call):
    if isinstance(call.func, ast.Name):
        return "error" if call.func.id == LOGS_AS_ERROR else None
    return call.func.attr if getattr(call.func, "attr", None) in LEVELS else None


def test_every_event_is_in_the_table():
    assert logged().keys() - told().keys() == set(), "say in docs/operations.md what to do"
    assert told().keys() - logged().keys() == set(), "nothing says these any more"


def test_events_have_the_level_that_the_table_says():
    assert {event: level for event, level in logged().items() if level} == {
        event: told()[event] for event, level in logged().items() if level
    }
    assert {"error", "warning", "info"} == set(told().values())
