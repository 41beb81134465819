"""What `make test` installs from npm, as `tests/npm` names and locks it."""

import shutil
import subprocess
import sys
from pathlib import Path

NAMED = Path(__file__).parents[1] / "npm"


class NoNpm(Exception):
    """It cannot be had here; the text says why."""


def node_modules(place):
    """The `node_modules` of the tests: those that are installed, else fresh ones in `place`."""
    for program in ("node", "npm"):
        if shutil.which(program) is None:
            raise NoNpm(f"no {program} found")
    made = Path(sys.prefix) / "npm"
    lock = made / ".installed"
    if lock.is_file() and lock.read_bytes() == (NAMED / "package-lock.json").read_bytes():
        return made / "node_modules"
    for file in (*NAMED.glob("package*.json"), NAMED / ".npmrc"):
        shutil.copy(file, place)
    done = subprocess.run(
        ["npm", "ci", "--silent"], cwd=place, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise NoNpm(f"npm ci failed: {done.stderr[-500:]}")
    return place / "node_modules"
