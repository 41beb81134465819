"""The command, called as a person would, in a process of the test's or in one of its own."""

import os
import stat
from pathlib import Path

import pytest
import structlog
from click.testing import CliRunner

from consent_service.cli.main import main


@pytest.fixture
def consent():
    """`consent("clients", "list", CONSENT_DATA_DIR=…)`: runs a command; its result."""
    before, umask = structlog.get_config(), os.umask(0)
    os.umask(umask)

    def run(*arguments, **environment):
        result = CliRunner(env=environment).invoke(main, [str(one) for one in arguments])
        assert "Traceback" not in result.output
        return result

    yield run
    structlog.configure(**before)
    os.umask(umask)


@pytest.fixture
def home(tmp_path, consent):
    """A data directory with keys and a migrated store."""
    path = tmp_path / "data"
    for command in (("keys", "init"), ("migrate",)):
        result = consent(*command, "--data-dir", path)
        assert result.exit_code == 0, result.output
    return path


@pytest.fixture
def mode_of():
    return lambda path: oct(stat.S_IMODE(Path(path).stat().st_mode))
