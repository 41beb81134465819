import json
import subprocess
import sys

import pytest

from consent_service import openapi
from consent_service.app import create_app
from consent_service.cli.main import SECTIONS, main
from consent_service.crypto import keyring as keyrings
from consent_service.oauth import service as oauth
from consent_service.storage.db import db
from tests.conftest import SAMPLE

ENTRIES = [entry for section in SECTIONS.values() for entry in section]
NAMES = [entry.name for entry in ENTRIES]


@pytest.fixture
def here(store, keyring):
    """The environment of a command on the test's own store."""
    return {"CONSENT_DATABASE_URL": store, "CONSENT_KEYRING": keyrings.dump(keyring)}


def test_help_lists_every_command_in_a_line_under_its_section(consent):
    lines = consent("--help").output.splitlines()
    for title, entries in SECTIONS.items():
        place = lines.index(f"{title}:")
        for number, entry in enumerate(entries, 1):
            assert lines[place + number].split(None, 1) == [entry.name, entry.line]


@pytest.mark.parametrize("name", NAMES)
def test_every_command_has_help_and_its_group_knows_its_store(consent, name):
    result = consent(name, "--help")
    assert result.exit_code == 0
    assert ("--data-dir" in result.output) == (name != "audit")  # which is for outsiders


@pytest.mark.parametrize("name", ["keys", "clients", "catalogue"])
def test_every_command_of_a_group_takes_the_store(name):
    group = main.get_command(None, name)
    for command in group.commands.values():
        assert {"--data-dir", "--database-url"} <= {o for p in command.params for o in p.opts}
        assert command.help


def test_help_imports_nothing_of_the_service():
    heavy = "{'flask', 'sqlalchemy', 'consent_service.app'} & set(sys.modules)"
    code = f"import sys; import consent_service.cli.main; print({heavy})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


def test_an_unknown_command_is_told(consent):
    result = consent("erase-everything")
    assert result.exit_code == 2
    assert "No such command" in result.stderr


@pytest.mark.parametrize("command", [("migrate",), ("clients", "list"), ("serve",), ("worker",)])
def test_without_settings_the_error_names_what_to_set(consent, command):
    result = consent(*command)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr == (
        "error: set CONSENT_DATABASE_URL (PostgreSQL), or CONSENT_DATA_DIR for one SQLite file\n"
    )


def test_serving_without_a_key_file_names_the_variable_and_the_command(consent, tmp_path):
    result = consent("serve", "--data-dir", tmp_path)
    assert result.exit_code == 2
    assert "CONSENT_KEY_FILE" in result.stderr
    assert "consent keys init" in result.stderr


def test_serving_a_database_without_keys_names_the_variable(consent):
    result = consent("serve", CONSENT_DATABASE_URL="postgresql://127.0.0.1/nothing")
    assert result.exit_code == 2
    assert "CONSENT_KEY_FILE" in result.stderr


def test_a_store_that_was_not_migrated_is_refused(consent, tmp_path):
    consent("keys", "init", "--data-dir", tmp_path)
    for command in (("serve",), ("worker",), ("clients", "list"), ("keys", "status")):
        result = consent(*command, "--data-dir", tmp_path)
        assert result.exit_code == 1
        assert "Run `consent migrate`." in result.stderr


def test_a_store_that_is_not_there_is_told_without_its_password(consent, keyring):
    result = consent(
        "clients",
        "list",
        "--database-url",
        "postgresql://somebody:canary-password@127.0.0.1:1/nothing",
        CONSENT_KEYRING=keyrings.dump(keyring),
    )
    assert result.exit_code == 1
    assert result.stderr.startswith("error: ")
    assert "refused" in result.stderr
    assert "canary" not in result.output


def test_a_bad_setting_is_named_and_not_repeated(consent, home):
    result = consent("clients", "list", "--data-dir", home, CONSENT_WORKERS="canary")
    assert result.exit_code == 2
    assert "CONSENT_WORKERS" in result.stderr
    assert "canary" not in result.output


def test_a_directory_on_the_command_line_is_meant_rather_than_a_database_around(consent, home):
    result = consent(
        "clients", "list", "--data-dir", home, CONSENT_DATABASE_URL="postgresql://127.0.0.1:1/x"
    )
    assert result.exit_code == 0, result.output


def test_the_store_may_be_given_before_the_command_too(consent, home):
    assert consent("--data-dir", home, "clients", "list").exit_code == 0


def test_what_is_given_last_is_meant(consent, home, tmp_path):
    assert consent("--data-dir", tmp_path, "clients", "--data-dir", home, "list").exit_code == 0


def test_migrating_again_changes_nothing(consent, home):
    result = consent("migrate", "--data-dir", home)
    assert result.exit_code == 0
    assert "is at migration" in result.output


def test_a_client_is_created_listed_rotated_and_disabled(consent, here, settings):
    app = create_app(settings)
    made = consent(
        *("clients", "create", "campaigns", "--json", "--recipient", "email_service"),
        *("--scope", "decisions:check", "--scope", "customers:read consents:read"),
        **here,
    )
    assert made.exit_code == 0, made.output
    first = json.loads(made.stdout)
    assert first["client_id"] == "campaigns"
    listed = consent("clients", "list", **here).stdout
    assert "consents:read customers:read decisions:check" in listed
    assert "email_service" in listed
    assert first["client_secret"] not in listed
    rotate = ("clients", "rotate-secret", "campaigns", "--overlap-hours", "0", "--json")
    second = json.loads(consent(*rotate, **here).stdout)
    with app.app_context():
        now = app.extensions["consent"].clock()
        assert oauth.authenticate_client("campaigns", first["client_secret"], now) is None
        assert oauth.authenticate_client("campaigns", second["client_secret"], now)
        assert consent("clients", "disable", "campaigns", **here).exit_code == 0
        assert oauth.authenticate_client("campaigns", second["client_secret"], now) is None
        db.engine.dispose()
    assert "disabled" in consent("clients", "list", **here).stdout


def test_an_old_secret_lives_on_for_a_day_unless_said(consent, home):
    create = ("clients", "create", "website", "--scope", "consents:read", "--json")
    first = json.loads(consent("--data-dir", home, *create).stdout)["client_secret"]
    rotated = consent("--data-dir", home, "clients", "rotate-secret", "website")
    assert "client_secret" in rotated.stdout
    again = consent("--data-dir", home, "clients", "create", "website", "--scope", "consents:read")
    assert again.exit_code == 1
    assert again.stderr == "error: A client with this id exists.\n"
    assert first not in rotated.output


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("website", "--scope", "everything"), "/scopes: Scopes are catalogue:read, catalogue:"),
        (("Web Site", "--scope", "consents:read"), "/client_id: 2 to 64 of a-z"),
    ],
)
def test_a_client_that_cannot_be_is_refused_with_the_place(consent, home, arguments, told):
    result = consent("clients", "create", *arguments, "--data-dir", home)
    assert result.exit_code == 1
    assert f"  {told}" in result.stderr
    assert consent("clients", "list", "--data-dir", home).stdout == ""


@pytest.mark.parametrize(
    "words",
    [
        ("clients", "list"),
        ("proofs", "list"),
        ("proofs", "list", "--json"),
        ("quotas", "list"),
        ("requests", "list"),
        ("requests", "list", "--json"),
        ("requests", "overdue"),
        ("staff", "list"),
        ("webhooks", "list"),
        ("witnesses", "list"),
    ],
)
def test_an_empty_list_says_so_and_a_script_reads_nothing(consent, home, words):
    result = consent(*words, "--data-dir", home)
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr == "There are none.\n"


def test_a_recipient_that_the_catalogue_has_not_is_refused_once_there_is_one(consent, home):
    create = ("clients", "create", "--scope", "decisions:check", "--data-dir", home)
    assert consent(*create, "early", "--recipient", "nobody_such").exit_code == 0
    assert consent("catalogue", "load", SAMPLE, "--data-dir", home).exit_code == 0
    told = consent(*create, "late", "--recipient", "email_service", "--recipient", "nobody_such")
    assert told.exit_code == 1
    assert "  /recipients/1: Not in the catalogue. Its recipients: ad_platform, " in told.stderr
    assert consent(*create, "late", "--recipient", "email_service").exit_code == 0


@pytest.mark.parametrize("command", ["rotate-secret", "disable"])
def test_a_client_that_is_not_there_is_told(consent, home, command):
    result = consent("clients", command, "nobody", "--data-dir", home)
    assert (result.exit_code, result.stdout) == (1, "")
    assert "no client with this id" in result.stderr


def test_the_catalogue_is_previewed_loaded_and_shown(consent, home):
    at = ("--data-dir", home)
    assert consent(*at, "catalogue", "show").exit_code == 1
    preview = consent(*at, "catalogue", "load", SAMPLE, "--dry-run")
    assert "Version 1 would be in force." in preview.stdout
    assert consent(*at, "catalogue", "show").exit_code == 1
    loaded = consent(*at, "catalogue", "load", SAMPLE)
    assert "Version 1 is in force." in loaded.stdout
    assert "Customers to ask again: 0." in loaded.stdout
    shown = consent(*at, "catalogue", "show").stdout
    assert "key: marketing.newsletter" in shown
    again = home.parent / "again.yaml"
    again.write_text(shown, encoding="utf-8")
    assert "Nothing changes" in consent(*at, "catalogue", "load", again).stdout


def test_a_faulty_catalogue_is_refused_with_its_line(consent, home, tmp_path):
    faulty = tmp_path / "catalogue.yaml"
    text = SAMPLE.read_text(encoding="utf-8")
    faulty.write_text(text.replace("legal_basis: consent", "legal_basis: whim", 1), "utf-8")
    result = consent("catalogue", "load", faulty, "--data-dir", home)
    assert result.exit_code == 1
    assert "line " in result.stderr


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"\t- x: [", "Line 1: not well-formed"),
        (b"", "Line 1: not well-formed"),
        (b"\xff", "Not UTF-8 text."),
    ],
)
def test_a_file_that_is_no_catalogue_is_refused_in_a_line(consent, home, tmp_path, text, said):
    faulty = tmp_path / "catalogue.yaml"
    faulty.write_bytes(text)
    result = consent("catalogue", "load", faulty, "--data-dir", home)
    assert (result.exit_code, result.stdout) == (1, "")
    assert said in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_the_document_is_printed_without_any_setting(consent):
    result = consent("openapi")
    assert result.exit_code == 0, result.output
    assert result.stdout == openapi.document_text()
