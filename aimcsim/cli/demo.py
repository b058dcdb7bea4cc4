"""The demonstration: a small trained network on a small chip, timed, priced and checked."""

from __future__ import annotations

import numpy as np

from aimcsim.cli import tables
from aimcsim.cli.inputs import Arrays, read_inputs
from aimcsim.cli.views import Row
from aimcsim.evaluation import evaluate
from aimcsim.run import Run, simulate
from aimcsim.workload import Workload, float_reference, load_workload

CHIP = "tiny"
WORKLOAD = "digits_cnn"
REQUESTS = 8
"""Images that are timed; all of the sample's are classified."""
LEAST_AGREEMENT = 0.95
"""Share of images for which the chip must give the class that float gives; quantization may cost a few."""


def demonstrate(*, as_json: bool) -> bool:
    """Show what a run tells, and return whether the chip computed what it should."""
    network = load_workload(WORKLOAD)
    images = read_inputs(WORKLOAD, network)
    run = simulate(CHIP, network, inputs=images, requests=REQUESTS)
    found = _compare(run, network, images)
    ok = bool(found["same_as_unclocked"] and found["agreement"] >= LEAST_AGREEMENT)
    if as_json:
        tables.show_json({**run.summary, "demo": {**found, "ok": ok}})
        return ok
    count = found["images"]
    right = f"{found['right']} of {count} images right, in float {found['right_in_float']}"
    same = f"{found['agreeing']} of {count} get the class that float gives them"
    table = tables.summary_table(run, [("accuracy", right), ("checked", same)])
    onward = f"next: aimcsim run {CHIP} {WORKLOAD} --inputs {WORKLOAD} --requests {REQUESTS} -o runs/first"
    tables.show(table, onward if ok else "check failed: these are not the outputs that the chip should compute")
    return ok


def _compare(run: Run, network: Workload, images: Arrays) -> Row:
    """Compare all images, classified outside the clock, with float, and the timed ones with these bit for bit."""
    name = network.outputs[0]
    chip = evaluate(CHIP, network, images, analog="quantized")[name]
    packed = {key: network.pack_inputs(key, images[key]) for key in network.inputs}
    exact = network.unpack_outputs(name, float_reference(network, packed)[name])
    classes, expected = chip.argmax(axis=1), exact.argmax(axis=1)
    return {
        "images": len(chip),
        "right": int(np.sum(classes == images["labels"])),
        "right_in_float": int(np.sum(expected == images["labels"])),
        "agreeing": int(np.sum(classes == expected)),
        "agreement": float(np.mean(classes == expected)),
        "same_as_unclocked": bool(np.array_equal(run.outputs[name], chip[: len(run.outputs[name])])),
    }
