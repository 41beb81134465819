"""`consent audit pull`: an auditor pulls the log, goes on from there, and is told of a fork."""

import pytest

from consent_service.kernel.actors import SYSTEM
from consent_service.kernel.clock import utc_now
from consent_service.oauth import service as oauth
from consent_service.storage.unit_of_work import unit_of_work
from tests.support import log, stores
from tests.support.served import serve


@pytest.fixture(params=["sqlite"])
def store(request):
    """One kind of store is enough: what is tried here is the auditor's side."""
    with request.getfixturevalue("sqlite_stores").fresh() as url:
        yield url


@pytest.fixture
def served(store, keyring):
    with serve(stores.settings_for(store, keyring)) as running:
        with running.app.app_context():
            made = oauth.create_client(
                "auditor", "Auditor", frozenset({"disclosures:read"}), (), SYSTEM, utc_now()
            )
            running.secret = made.secret
            log.append(20)
            log.seal()
        yield running


@pytest.fixture
def pull(consent, served, tmp_path):
    """`pull()`: pulls into the auditor's directory."""
    key = tmp_path / "key"
    with served.app.app_context():
        key.write_text("".join(f"{one}\n" for one in log.verifiers()))

    def act(*more, secret=served.secret):
        arguments = ("audit", "pull", tmp_path / "log", "--url", served.issuer)
        return consent(*arguments, "--client", "auditor", *more, CONSENT_CLIENT_SECRET=secret)

    act.key, act.directory = key, tmp_path / "log"
    return act


def test_a_pull_goes_on_where_the_last_one_stopped(pull, served):
    first = pull("--key", pull.key)
    assert (first.exit_code, first.stdout) == (0, "The log is whole: 21 leaves more, 21 in all.\n")
    assert "Nothing new: 21 leaves." in pull().stdout
    with served.app.app_context():
        log.append(4)
        log.seal()
    assert "4 leaves more, 25 in all" in pull().stdout
    kept = {path.name for path in pull.directory.iterdir()}
    assert kept == {"key", "checkpoint", "log-0-21.zip", "log-21-25.zip"}


@pytest.mark.parametrize("added", [0, 5])
def test_a_log_that_was_rewritten_since_is_told_and_not_kept(pull, served, added):
    assert pull("--key", pull.key).exit_code == 0
    with served.app.app_context():
        with unit_of_work() as tx:
            for table in ("leaves", "tiles", "checkpoints", "head"):
                tx.exec_driver_sql(f"DELETE FROM ledger_{table}")  # noqa: S608  # our own tables
            tx.exec_driver_sql("UPDATE ledger_entries SET outcome = 'deny'")
        log.append(added)
        log.seal()
        assert log.verify().leaves == 21 + added
    told = pull()
    assert told.exit_code == 1
    assert "broken at leaf 21" in told.stderr
    assert "\n21\n" in (pull.directory / "checkpoint").read_text()


@pytest.mark.parametrize(
    ("more", "secret", "told"),
    [
        ((), None, "Give the verifier key once"),
        (("--key",), "wrong", "refused /oauth/token with 401"),
        (("--key", "--url", "http://127.0.0.1:9"), None, "does not answer"),
        (("--key", "--url", "notaurl"), None, "Give an address such as https://"),
        (("--key", "--url", "file:///etc"), None, "Give an address such as https://"),
        (("--key", "--url", "http://a b"), None, "does not answer"),
        (("--key", "--url", "http://[::1"), None, "Give an address such as https://"),
    ],
)
def test_what_goes_wrong_is_told(pull, more, secret, told):
    if more:
        more = (more[0], pull.key, *more[1:])
    result = pull(*more, **({"secret": secret} if secret else {}))
    assert result.exit_code in {1, 2}
    assert told in " ".join(result.stderr.split())


def test_a_key_file_without_a_key_is_not_kept(pull, tmp_path):
    empty = tmp_path / "empty"
    empty.touch()
    told = pull("--key", empty)
    assert told.exit_code == 1
    assert "there is no verifier key in it" in told.stderr
    assert pull("--key", pull.key).exit_code == 0
    assert pull().exit_code == 0


def test_a_log_that_was_put_back_is_told(pull, served):
    assert pull("--key", pull.key).exit_code == 0
    with served.app.app_context(), unit_of_work() as tx:
        for table in ("leaves", "tiles", "checkpoints", "head", "entries"):
            tx.exec_driver_sql(f"DELETE FROM ledger_{table}")  # noqa: S608  # our own tables
    with served.app.app_context():
        log.append(3)
        log.seal()
    told = pull()
    assert told.exit_code == 1
    assert "broken at leaf 3" in told.stderr
