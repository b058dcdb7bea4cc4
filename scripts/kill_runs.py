"""Kill runs at random moments, and look at what they leave.

Usage: ``python scripts/kill_runs.py [RUNS]`` (default 50), from the source folder, with the package and its test extra
installed. Half of the runs write to a new place, half replace a run. Every directory must load: as it was before, as
partial, or as complete.
"""

import random
import sys
import tempfile
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.append(str(ROOT))  # behind the installed package: only the tests' own modules are taken from here

from tests.cli import killing  # noqa: E402

COUNT = int(sys.argv[1]) if len(sys.argv) > 1 else 50


def main() -> int:
    """Kill, count, and return the exit code."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        length_s = killing.took(folder)
        found = Counter(killed(folder, length_s, replacing=turn % 2 == 1) for turn in range(COUNT))
    print(f"{COUNT} runs of about {length_s:.1f} s killed; every directory loads")
    for (replacing, there, beside), count in sorted(found.items(), key=str):
        print(f"{count:4} {'replacing' if replacing else 'new'}: the run is {there}, beside it {beside}")
    allowed = {False: {"absent", "partial", 2}, True: {2}}
    return int(any(there not in allowed[replacing] for replacing, there, _ in found))


def killed(folder: Path, length_s: float, *, replacing: bool) -> tuple[bool, str | int, str | int]:
    """Kill one run and return what it left, at its place and beside it."""
    if not replacing or killing.state(folder / "out") != 2:
        killing.clear(folder)
    if replacing and killing.state(folder / "out") == "absent":
        killing.took(folder)
    killing.kill_at_random(folder, length_s, *(["--force"] if replacing else []), generator=random)
    return replacing, killing.state(folder / "out"), killing.state(folder / "out.partial")


if __name__ == "__main__":
    raise SystemExit(main())
