"""`python -m tests.bench [SECTION …]`: measures, and writes docs/benchmarks.md."""

import sys

from tests.bench import (
    audiences,
    batches,
    decisions,
    erasures,
    files,
    flame,
    growth,
    imports,
    sealing,
    starting,
)

SECTIONS = {
    "import": imports.run,
    "decisions": decisions.run,
    "batches": batches.run,
    "audiences": audiences.run,
    "seal": sealing.run,
    "files": files.run,
    "flame": flame.run,
    "growth": growth.run,
    "start": starting.run,
    "erasures": erasures.run,
}


def main(names):
    """Measures the named sections, or all."""
    unknown = [name for name in names if name not in SECTIONS]
    if unknown:
        sys.exit(f"no such section: {', '.join(unknown)}. There are: {', '.join(SECTIONS)}.")
    for name in names or SECTIONS:
        sys.stderr.write(f"measuring: {name}\n")
        SECTIONS[name]()


if __name__ == "__main__":
    main(sys.argv[1:])
