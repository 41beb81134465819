import ast
from pathlib import Path

import pytest

import consent_service
from consent_service import api_document, openapi
from consent_service.kernel.errors import DomainError
from consent_service.web import problems

PACKAGE = Path(consent_service.__file__).parent
FILES = {str(path.relative_to(PACKAGE)): path for path in sorted(PACKAGE.rglob("*.py"))}


def domain_errors(kind=DomainError):
    for child in kind.__subclasses__():
        if child.__module__.startswith("consent_service."):
            yield child
            yield from domain_errors(child)


@pytest.mark.parametrize("name", FILES)
def test_a_file_can_be_taken_in(name):
    assert len(FILES[name].read_text(encoding="utf-8").splitlines()) <= 300


@pytest.mark.parametrize("name", FILES)
def test_no_error_is_swallowed(name):
    tree = ast.parse(FILES[name].read_text(encoding="utf-8"))
    swallowed = [
        node.lineno
        for node in ast.walk(tree)
        if isinstance(node, ast.ExceptHandler)
        and (node.type is None or all(_does_nothing(step) for step in node.body))
    ]
    assert swallowed == []


def _does_nothing(step):
    constant = isinstance(step, ast.Expr) and isinstance(step.value, ast.Constant)
    return constant or isinstance(step, ast.Pass)


@pytest.mark.parametrize("name", FILES)
def test_nobody_uses_the_session_that_is_not_ended(name):
    assert "db.session" not in FILES[name].read_text(encoding="utf-8")


def test_every_code_given_to_a_problem_is_documented():
    given = {
        code
        for path in FILES.values()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("problem")
        for code in [
            argument.value for argument in node.args[1:2] if isinstance(argument, ast.Constant)
        ]
    }
    assert given
    assert given <= api_document.error_codes().keys()


def test_every_code_is_in_the_document():
    openapi.unconnected_app()
    told = openapi.document()["components"]["schemas"]["Problem"]["properties"]["code"][
        "description"
    ]
    assert [kind for kind in domain_errors() if f"`{kind.code}`" not in told] == []


def test_a_code_has_one_status_and_one_owner():
    openapi.unconnected_app()
    owners = {}
    for kind in domain_errors():
        if "code" in vars(kind):
            owners.setdefault(kind.code, []).append(kind)
    assert [kinds for kinds in owners.values() if len(kinds) > 1] == []
    unmapped = [kind for kind in domain_errors() if problems.status_of_kind(kind) == 500]
    assert unmapped == []
