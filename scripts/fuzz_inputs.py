"""Damage input files at random and read them: each must load, or be refused in plain lines, at once, in little memory.

Usage: ``python scripts/fuzz_inputs.py [FILES] [FIRST]`` (default 10000 from 0), from the source folder, with the
package and its test extra installed. File n is drawn from seed n, so a failure can be drawn again by `FIRST`. Files are
read in a process of its own, whose address space may grow by `MOST_BYTES`. Another kind of file joins by an entry of
`KINDS`.
"""

from __future__ import annotations

import random
import resource
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import onnx

from aimcsim.errors import InputError
from aimcsim.workload import load_workload

ROOT = Path(__file__).resolve().parents[1]
LIGHT = Path(onnx.__file__).parent / "backend/test/data/light"
MOST_S = 1.0
MOST_BYTES = 200 * 2**20
AT_ONCE = 100
NUMBERS = (b"\x00", b"\x7f", b"\xff", b"\x80\x80\x80\x80\x80\x20", b"\xff" * 9 + b"\x01", b"\xff\xff\xff\xff\x7f")
"""Bytes, and numbers as protobuf writes them: 2**40, -1, almost 2**35."""

KINDS: dict[str, tuple[list[Path], Callable[[Path], object]]] = {
    ".onnx": (
        [
            *sorted((ROOT / "traces").glob("*.onnx")),
            *(LIGHT / f"light_{name}.onnx" for name in ("squeezenet", "bvlc_alexnet", "shufflenet", "resnet50")),
        ],
        load_workload,
    ),
}
"""By ending: whole files to damage, and what reads one."""


def damaged(content: bytes, rng: random.Random) -> bytes:
    """Return a file with one to eight things wrong with it."""
    data = bytearray(content)
    for _ in range(rng.choice((1, 1, 2, 3, 8))):
        _damage(data, rng)
    return bytes(data)


def _damage(data: bytearray, rng: random.Random) -> None:
    """Change, cut, repeat, insert or drop something; more often where the structure is than among weights."""
    at = rng.randrange(len(data) + 1) if rng.random() < 0.5 else rng.randrange(min(len(data), 4000) + 1)
    size = rng.choice((1, 2, 8, 64))
    match rng.randrange(6):
        case 0:
            data[at : at + 1] = bytes([rng.randrange(256)])
        case 1:
            data[at : at + 1] = bytes([(data[at : at + 1] or b"\0")[0] ^ (1 << rng.randrange(8))])
        case 2:
            data[at:at] = rng.choice(NUMBERS)
        case 3:
            data[at : at + len(number)] = (number := rng.choice(NUMBERS))
        case 4:
            data[at : at + size] = b"" if rng.random() < 0.5 else data[at : at + size] * 2
        case _ if rng.random() < 0.2:
            del data[at:]


def read_all(first: int, count: int) -> Counter[str]:
    """Read so many damaged files and count what became of them; raises at the first that is not handled well."""
    _limit_memory()
    found: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as folder:
        for seed in range(first, first + count):
            try:
                found[_read(Path(folder), random.Random(seed))] += 1  # noqa: S311 - no secrets here
            except BaseException as error:
                raise SystemExit(f"seed {seed}: {type(error).__name__}: {error}") from error
    return found


def _read(folder: Path, rng: random.Random) -> str:
    """Read one damaged file; return `loaded` or `refused`."""
    ending = rng.choice(list(KINDS))
    sources, load = KINDS[ending]
    path = folder / f"damaged{ending}"
    path.write_bytes(damaged(rng.choice(sources).read_bytes(), rng))
    begin, outcome = time.process_time(), "loaded"
    try:
        load(path)
    except InputError as error:
        outcome = "refused"
        _check_lines(error)
    took = time.process_time() - begin
    assert took < MOST_S, f"took {took:.1f} s of the processor"
    return outcome


def _check_lines(error: InputError) -> None:
    """Require one plain line of bounded length for each problem."""
    lines = str(error).splitlines()
    assert len(lines) == max(1, len(error.problems)), f"a message is not one line: {lines}"
    assert all(line.isprintable() and len(line) < 1000 for line in lines), f"a message is no plain line: {lines}"


def _limit_memory() -> None:
    """Let the address space of this process grow by no more than `MOST_BYTES`, all imports being done."""
    load_workload(KINDS[".onnx"][0][0])
    if resource.getrlimit(resource.RLIMIT_AS)[0] == resource.RLIM_INFINITY:
        now = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (now + MOST_BYTES, resource.RLIM_INFINITY))


def main() -> None:
    """Read them all, some at once in one process."""
    count, first = (int(given) for given in [*sys.argv[1:3], *("10000", "0")[len(sys.argv) - 1 :]])
    found: Counter[str] = Counter()
    with ProcessPoolExecutor(max_workers=1) as pool:
        for begin in range(first, first + count, AT_ONCE):
            try:
                found += pool.submit(read_all, begin, min(AT_ONCE, first + count - begin)).result()
            except BrokenProcessPool:
                raise SystemExit(f"the process died while it read seeds {begin} to {begin + AT_ONCE - 1}") from None
    print(f"handled well: {found.total()} damaged files, {found['loaded']} loaded, {found['refused']} refused")


if __name__ == "__main__":
    main()
