"""Damage input files at random and read them: each must load, or be refused in plain lines, at once, in little memory.

Usage: ``python scripts/fuzz_inputs.py [FILES] [FIRST]`` (default 10000 from 0), from the source folder, with the
package and its test extra installed. File n is drawn from seed n, so a failure can be drawn again by `FIRST`. Files are
read in a process of its own, whose address space may grow by `MOST_BYTES`; every hundredth is also given to the command
line, in a process that nothing else happens in. Another kind of file joins by an entry of `KINDS`.
"""

from __future__ import annotations

import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import onnx

from aimcsim.errors import InputError
from aimcsim.mapping import MappingPolicy, load_mapping, map_workload
from aimcsim.mapping.mapping_file import mapping_yaml
from aimcsim.spec import load_chip, preset_text
from aimcsim.workload import load_workload
from aimcsim.workload.arrivals import arrivals

ROOT = Path(__file__).resolve().parents[1]
sys.path.append(str(ROOT))  # behind the installed package: only the tests' own modules are taken from here

from tests.cli import bad_files  # noqa: E402

LIGHT = Path(onnx.__file__).parent / "backend/test/data/light"
MOST_S = 1.0
MOST_BYTES = 200 * 2**20
AT_ONCE = 100
NUMBERS = (b"\x00", b"\x7f", b"\xff", b"\x80\x80\x80\x80\x80\x20", b"\xff" * 9 + b"\x01", b"\xff\xff\xff\xff\x7f")
"""Bytes, and numbers as protobuf writes them: 2**40, -1, almost 2**35."""
ONE_RUN = ("run", "tiny", "digits_cnn")


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of file.

    Attributes
    ----------
    ending : str            Of its name.
    whole : list            Contents to damage.
    load : callable         Reads one.
    command : tuple         What the command line is asked, the file's name behind it.
    """

    ending: str
    whole: list[bytes]
    load: Callable[[Path], object]
    command: tuple[str, ...]

    def damaged(self, rng: random.Random) -> bytes:
        """Return a file with some things wrong with it."""
        content = rng.choice(self.whole)
        return damaged(content, rng) if self.ending == ".onnx" else bad_files.mutated(content.decode(), rng)


@cache
def kinds() -> dict[str, Kind]:
    """Return every kind of file by name."""
    light = (LIGHT / f"light_{name}.onnx" for name in ("squeezenet", "bvlc_alexnet", "shufflenet", "resnet50"))
    models = [path.read_bytes() for path in (*sorted((ROOT / "traces").glob("*.onnx")), *light)]
    chips = [bad_files.SMALL_CHIP.encode()] * 4 + [preset_text("tiny").encode()]  # which takes ten times as long
    times = [bad_files.ARRIVALS.encode(), bad_files.ARRIVALS_PS.encode()]
    chip, network = load_chip("tiny"), load_workload("digits_cnn")
    policies = (MappingPolicy(), MappingPolicy(pack="crossbar", replicas={"conv2": 2}))
    mappings = [mapping_yaml(map_workload(network, chip, one), network, chip).encode() for one in policies]
    return {
        "ONNX": Kind(".onnx", models, load_workload, ("check",)),
        "chip": Kind(".yaml", chips, load_chip, ("check",)),
        "workload": Kind(".yaml", [bad_files.SMALL_NET.encode()], load_workload, ("check",)),
        "mapping": Kind(".yaml", mappings, lambda path: load_mapping(path, network, chip), (*ONE_RUN, "--mapping")),
        "arrivals": Kind(".csv", times, lambda path: arrivals(str(path), None, 0), (*ONE_RUN, "--arrivals")),
    }


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


def read_all(first: int, count: int) -> Counter[tuple[str, str]]:
    """Read so many damaged files and count what became of them; raises at the first that is not handled well."""
    _limit_memory()
    found: Counter[tuple[str, str]] = Counter()
    with tempfile.TemporaryDirectory() as folder:
        for seed in range(first, first + count):
            try:
                found[_read(Path(folder), random.Random(seed))] += 1  # noqa: S311 - no secrets here
            except BaseException as error:
                raise SystemExit(f"seed {seed}: {type(error).__name__}: {error}") from error
    return found


def _drawn(folder: Path, rng: random.Random) -> tuple[str, Path]:
    """Return the kind and the path of one damaged file."""
    name = rng.choice(list(kinds()))
    path = folder / f"damaged{kinds()[name].ending}"
    path.write_bytes(kinds()[name].damaged(rng))
    return name, path


def _read(folder: Path, rng: random.Random) -> tuple[str, str]:
    """Read one damaged file; return its kind, and `loaded` or `refused`."""
    name, path = _drawn(folder, rng)
    begin, outcome = time.process_time(), "loaded"
    try:
        kinds()[name].load(path)
    except InputError as error:
        outcome = "refused"
        _check_lines(error)
    took = time.process_time() - begin
    assert took < MOST_S, f"took {took:.1f} s of the processor"
    return name, outcome


def _check_lines(error: InputError) -> None:
    """Require one plain line of bounded length for each problem."""
    lines = str(error).splitlines()
    assert len(lines) == max(1, len(error.problems)), f"a message is not one line: {lines}"
    assert all(line.isprintable() and len(line) < 1000 for line in lines), f"a message is no plain line: {lines}"


def _limit_memory() -> None:
    """Let the address space of this process grow by no more than `MOST_BYTES`, all imports being done."""
    with tempfile.TemporaryDirectory() as folder:
        for kind in kinds().values():
            path = Path(folder) / f"whole{kind.ending}"
            path.write_bytes(kind.whole[0])
            kind.load(path)
    if resource.getrlimit(resource.RLIMIT_AS)[0] == resource.RLIM_INFINITY:
        now = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (now + MOST_BYTES, resource.RLIM_INFINITY))


def ask(*arguments: str) -> tuple[int, str, float, int]:
    """Give the command line something; return its exit code and errors, its processor time, s, and most bytes."""
    asked = [sys.executable, "-m", "aimcsim", *arguments]
    elsewhere = tempfile.gettempdir()  # Python started in the source folder would import the sources
    with subprocess.Popen(  # noqa: S603 - what is run is this Python
        asked, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, cwd=elsewhere
    ) as process:
        said = process.stderr.read() if process.stderr else ""
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    return process.returncode, said, used.ru_utime + used.ru_stime, 1024 * used.ru_maxrss


def command_line(seeds: range) -> str:
    """Give damaged files to the command line and return how that went; raises at the first not handled well."""
    _, _, idle_s, idle_bytes = ask("check", "tiny", str(ROOT / "traces" / "digits_mlp.onnx"))
    longest_s, most_bytes, refused = 0.0, 0, 0
    with tempfile.TemporaryDirectory() as folder:
        for seed in seeds:
            name, path = _drawn(Path(folder), random.Random(seed))  # noqa: S311 - no secrets here
            code, said, took_s, took_bytes = ask(*kinds()[name].command, str(path))
            if code not in (0, 2) or "Traceback" in said or (code == 2) != bool(said.strip()):
                raise SystemExit(f"seed {seed}: exit code {code}: {said}")
            if code == 2:
                refused += 1
                longest_s, most_bytes = max(longest_s, took_s - idle_s), max(most_bytes, took_bytes - idle_bytes)
    if longest_s >= MOST_S or most_bytes >= MOST_BYTES:
        raise SystemExit(f"refusing took up to {longest_s:.1f} s and {most_bytes >> 20} MiB")
    most = f"{max(0.0, longest_s):.2f} s and {max(0, most_bytes) >> 20} MiB"
    how = f"{refused} refused with exit code 2, in at most {most} more than a check of whole files takes"
    return f"by the command line: {len(seeds)} of them, {how}"


def main() -> None:
    """Read them all, some at once in one process, then some again by the command line."""
    count, first = (int(given) for given in [*sys.argv[1:3], *("10000", "0")[len(sys.argv) - 1 :]])
    found: Counter[tuple[str, str]] = Counter()
    with ProcessPoolExecutor(max_workers=1) as pool:
        for begin in range(first, first + count, AT_ONCE):
            try:
                found += pool.submit(read_all, begin, min(AT_ONCE, first + count - begin)).result()
            except BrokenProcessPool:
                raise SystemExit(f"the process died while it read seeds {begin} to {begin + AT_ONCE - 1}") from None
    print(f"handled well: {found.total()} damaged files")
    for name in kinds():
        print(f"{name}: {found[name, 'loaded']} loaded, {found[name, 'refused']} refused")
    print(command_line(range(first, first + count, AT_ONCE)))


if __name__ == "__main__":
    main()
