"""Time what docs/first-five-minutes.md has a newcomer type, in a new environment in a new folder.

Usage: ``python scripts/first_minutes.py``. Installs from PyPI. Reading and typing are not in the times.
"""

import re
import resource
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "first-five-minutes.md"


def commands() -> dict[str, list[str]]:
    """Return the commands of the page: those that install, and all others."""
    text = PAGE.read_text()
    install = re.findall(r"```sh\n(.*?)```", text, re.DOTALL)[0].splitlines()
    return {"installing": install, "the rest": [". venv/bin/activate", *re.findall(r"^\$ (.*)", text, re.MULTILINE)]}


def main() -> None:
    """Run both parts and print how long each took."""
    with tempfile.TemporaryDirectory() as name:
        left_out = shutil.ignore_patterns(".git", "build", "*.so", ".*_cache")
        shutil.copytree(ROOT, Path(name) / "aimcsim", ignore=left_out)
        for part, lines in commands().items():
            before, begun = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
            asked = ["bash", "-c", "\n".join(lines)]
            subprocess.run(asked, cwd=name, check=True, stdout=subprocess.DEVNULL)  # noqa: S603 - what the page says
            after, took_s = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic() - begun
            worked_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
            print(f"{part}: {took_s:.0f} s, {worked_s:.0f} s of the processor, {len(lines)} commands", flush=True)


if __name__ == "__main__":
    main()
