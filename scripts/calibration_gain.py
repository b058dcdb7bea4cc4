"""What calibrated ranges of converters gain over those for the largest sum there could be: a table for the docs.

    python scripts/calibration_gain.py [NETWORK [SEEDS [SAMPLES]]]

Default: digits_cnn, 3 programmings, all samples, on `tiny` with its phase-change cells. Ranges come from the first 64
samples, and are tried on all others. MNIST is read from ../shared, beside the checkout.
"""

from __future__ import annotations

import sys

from accuracy_bands import Samples

from aimcsim import calibrate, evaluate
from aimcsim.accuracy import Evaluation

ROOMY = "tile.crossbars=128"
CALIBRATED = 64
BITS = (8, 6, 5, 4)


def main(arguments: list[str]) -> None:
    """Print the table."""
    name = arguments[0] if arguments else "digits_cnn"
    seeds = int(arguments[1]) if len(arguments) > 1 else 3
    samples = Samples.of(name, int(arguments[2]) if len(arguments) > 2 else None)
    network = samples.network
    first, others = ({key: values[part] for key, values in samples.inputs.items()} for part in PARTS)
    found = {
        f"{percent:g} %": calibrate("tiny", network, first, ranges="converters", percentile=percent, overrides=[ROOMY])
        for percent in (100, 99.9)
    }
    print(f"| bits | {' | '.join(f'{how}, % right | error, %' for how in ('maximum', *found))} |")
    print("|---|" + "---|" * 2 * (1 + len(found)))
    for bits in BITS:
        chip = [ROOMY, f"tile.adc.bits={bits}", "tile.analog.adc_range=maximum"]
        row = [
            _shown(evaluate("tiny", network, others, analog="analog", seeds=seeds, overrides=chip, calibration=one))
            for one in (None, *found.values())
        ]
        print(f"| {bits} | {' | '.join(row)} |", flush=True)


PARTS = (slice(0, CALIBRATED), slice(CALIBRATED, None))


def _shown(found: Evaluation) -> str:
    (row,) = found.rows()
    return f"{100 * row['accuracy']:.1f} ± {100 * (row['accuracy_sd'] or 0):.1f} | {100 * row['layer_error']:.0f}"


if __name__ == "__main__":
    main(sys.argv[1:])
