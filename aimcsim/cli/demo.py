"""The demonstration: a small trained network on a small chip, timed, priced and checked."""

from __future__ import annotations

import numpy as np

from aimcsim.cli import summaries, tables
from aimcsim.cli.inputs import Arrays, read_inputs
from aimcsim.cli.views import Row
from aimcsim.cli.waiting import waiting
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
    with waiting(f"running {WORKLOAD} on {CHIP}") as told:
        run = simulate(CHIP, network, inputs=images, requests=REQUESTS, alive=told.tell)
        found = _compare(run, network, images)
    ok = bool(found["same_as_unclocked"] and found["agreement"] >= LEAST_AGREEMENT)
    if as_json:
        tables.show_json({**run.summary, "demo": {**found, "ok": ok}})
        return ok
    note = f"\noutputs, accuracy: of all {found['samples']} sample images; {REQUESTS} of them were timed"
    table = summaries.summary_table(run, checked=found, note=note)
    onward = f"next: aimcsim run {CHIP} {WORKLOAD} --inputs {WORKLOAD} --requests {REQUESTS} -o runs/demo"
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
        "samples": len(chip),
        "max_rel_err": float(np.abs(chip - exact).max() / np.abs(exact).max()),
        "agreement": float(np.mean(classes == expected)),
        "accuracy": float(np.mean(classes == images["labels"])),
        "reference_accuracy": float(np.mean(expected == images["labels"])),
        "same_as_unclocked": bool(np.array_equal(run.outputs[name], chip[: len(run.outputs[name])])),
    }
