"""Mutate chip and workload files, and see that each is taken, or refused in words, soon, and in little memory.

Usage: ``python scripts/fuzz_yaml.py [FILES [SEED]]`` (default 10000 and 0), from the source folder, with the package
and its test extra installed. A file that ends otherwise is left as `fuzz-failure.yaml`.
"""

import random
import shutil
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.append(str(ROOT))  # behind the installed package: only the tests' own modules are taken from here

from tests.cli import bad_files  # noqa: E402

COUNT = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
SEED = int(sys.argv[2]) if len(sys.argv) > 2 else 0


def main() -> int:
    """Mutate and check, and return the exit code."""
    found: list[tuple[int, float]] = []
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "bad.yaml"
        try:
            work = lambda: found.append(bad_files.mutate_and_check(path, COUNT, random.Random(SEED)))  # noqa: E731, S311
            grown_mb = bad_files.grown_mb(work)
        except Exception:
            shutil.copy(path, "fuzz-failure.yaml")
            raise
    refused, longest_s = found[0]
    print(f"{COUNT} files: {refused} refused, the slowest in {longest_s:.2f} s; memory grew by {grown_mb:.0f} MB")
    return int(longest_s >= 1 or grown_mb >= 200)


if __name__ == "__main__":
    raise SystemExit(main())
