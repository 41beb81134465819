"""Load by wrk: the same connections to one server, then to another."""

import json
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

CONNECTIONS = 16
SECONDS = 5

_SCRIPT = """
local bodies = {%s}
local at = %d
local headers = {["Content-Type"] = "application/json", ["Authorization"] = %s}
local told = "requests=%%d microseconds=%%d p50=%%f p99=%%f failed=%%d"
request = function()
  at = at %% #bodies + 1
  return wrk.format("POST", nil, headers, bodies[at])
end
done = function(summary, latency, requests)
  local errors = summary.errors
  io.write("\\nRESULT " .. string.format(told,
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99),
    errors.connect + errors.read + errors.write + errors.status + errors.timeout))
end
"""


@dataclass(frozen=True)
class Load:
    """Requests a second, and the milliseconds that half and 99 in 100 of them took at most."""

    rate: float
    p50: float
    p99: float


def post(url, bodies, token, seconds=SECONDS, connections=CONNECTIONS):
    """Posts bodies, one after another and again from the first, over some connections. Ends the
    program when an answer is no success: a fast failure is no speed."""
    if shutil.which("wrk") is None:
        sys.exit("wrk is needed to make load (Debian: apt install wrk)")
    quoted = ",".join(_lua(json.dumps(body)) for body in bodies)
    script = _SCRIPT % (quoted, hash(url) % len(bodies), _lua(f"Bearer {token}"))
    with tempfile.TemporaryDirectory() as place:
        path = Path(place) / "post.lua"
        path.write_text(script)
        command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "30s",
                   "-s", str(path), url]  # fmt: skip
        said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    words = said.rpartition("RESULT ")[2].split()
    found = {name: float(value) for name, _, value in (word.partition("=") for word in words)}
    if found["failed"]:
        sys.exit(f"{found['failed']} of {found['requests']} requests failed: {url}")
    rate = found["requests"] / found["microseconds"] * 1e6
    return Load(rate, found["p50"] / 1e3, found["p99"] / 1e3)


def _lua(text):
    return "[==[" + text + "]==]"
