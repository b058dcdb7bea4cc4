"""Does a run need more memory the more of it is finished?"""

import os
import subprocess
import sys

import pytest

ASKED = (sys.executable, "-m", "aimcsim", "run", "isaac", "small.yaml", "--arrivals", "poisson:1 MHz")
NETWORK = """\
schema: aimcsim-workload/1
name: small
inputs: {x: [64]}
layers:
  - {name: one, kind: linear, out_features: 200, activation: relu}
  - {name: two, kind: linear, out_features: 100, activation: relu}
  - {name: three, kind: linear, out_features: 10}
outputs: [three]
"""


def peak_bytes(requests, *options):
    """Return the most memory that the process of a run had."""
    asked = (*ASKED, "--requests", str(requests), *options)
    with subprocess.Popen(asked, stdout=subprocess.DEVNULL) as process:
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0
    return 1024 * used.ru_maxrss


@pytest.mark.parametrize("options", [(), ("-o", "out", "--force")], ids=["printed", "saved"])
def test_ten_times_the_requests_take_the_memory_of_one_time(folder, options):
    """The ops of 10 000 requests, 5 each with 24 integers and 3 names, are 20 MB: a third of Python with NumPy."""
    (folder / "small.yaml").write_text(NETWORK)
    few, many = peak_bytes(1_000, *options), peak_bytes(10_000, *options)

    assert abs(many - few) < 0.1 * few, f"{few / 2**20:.1f} MiB with 1000 requests, {many / 2**20:.1f} with 10 000"
