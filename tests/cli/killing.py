"""Runs that are killed, and what must be true of the directory they were writing."""

import os
import random
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path

from aimcsim.run import load_run

RUN = ("run", "tiny", "digits_cnn", "--requests", "2", "-o", "out")


def start(folder, *options):
    """Start a run in a process of its own."""
    asked = [sys.executable, "-m", "aimcsim", *RUN, *options]
    return subprocess.Popen(asked, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)


def took(folder):
    """Return how long an undisturbed run takes, s."""
    begun = time.monotonic()
    with start(folder) as process:
        assert process.wait() == 0, process.stderr.read()
    return time.monotonic() - begun


def kill_at_random(folder, length_s, *options, generator=random):
    """Start a run and kill it after a random part of its length."""
    with start(folder, *options) as process:
        time.sleep(generator.uniform(0.3, 1.1) * length_s)  # the first third goes into imports
        process.send_signal(signal.SIGKILL)


def kill_at(step, act):
    """Do something in a process of its own that is killed at its `step`-th file operation; return whether it was."""
    child = os.fork()
    if child == 0:
        left = step

        def hook(event, _arguments):
            nonlocal left
            if event in ("open", "os.rename", "os.mkdir", "os.remove", "os.rmdir", "os.chmod", "fcntl.flock"):
                left -= 1
                if left < 0:
                    os.kill(os.getpid(), signal.SIGKILL)

        sys.addaudithook(hook)
        act()
        os._exit(0)
    return os.waitpid(child, 0)[1] != 0


def clear(folder):
    """Remove all that is in a folder."""
    for old in folder.iterdir():
        shutil.rmtree(old)


def state(directory):
    """Return `absent`, `partial`, or the number of requests of a complete run; fails if the directory does not load.

    A directory without anything in it, the last moment of a removal, counts as absent.
    """
    directory = Path(directory)
    if not directory.exists() or not any(directory.iterdir()):
        return "absent"
    run = load_run(directory)
    whole = [path for path in directory.iterdir() if path.suffix == ".npz" and not path.name.startswith(".")]
    assert all(zipfile.ZipFile(path).testzip() is None for path in whole)
    if run.partial:
        return "partial"
    assert len(run.requests["request"]) == run.summary["requests"]
    return run.summary["requests"]
