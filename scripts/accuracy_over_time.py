"""What drift costs ResNet-8, and what a compensation brings back: a table for the docs.

    python scripts/accuracy_over_time.py [NETWORK [SEEDS [SAMPLES]]]

Default: digits_resnet8, 5 programmings, all samples, on `tiny` with its phase-change cells.
"""

from __future__ import annotations

import sys

from accuracy_bands import Samples

from aimcsim import evaluate

TIMES_S = {"0 s": 0.0, "1 h": 3600.0, "1 day": 86_400.0, "30 days": 30 * 86_400.0, "1 year": 365 * 86_400.0}
ROOMY = ("tile.crossbars=48",)  # ResNet-8 needs more than `tiny` has


def main(arguments: list[str]) -> None:
    """Print the table."""
    name = arguments[0] if arguments else "digits_resnet8"
    seeds = int(arguments[1]) if len(arguments) > 1 else 5
    samples = Samples.of(name, int(arguments[2]) if len(arguments) > 2 else None)
    columns = {}
    for how in ("none", "global", "column"):
        found = evaluate(
            "tiny",
            samples.network,
            samples.inputs,
            seeds=seeds,
            time_s=list(TIMES_S.values()),
            compensate=how,
            overrides=ROOMY,
        )
        columns[how] = [
            f"{100 * row['accuracy']:.1f} ± {100 * (row['accuracy_sd'] or 0):.1f} | {100 * row['layer_error']:.0f}"
            for row in found.rows()
        ]
    print("| time | as it is, % right | error, % | global, % right | error, % | by column, % right | error, % |")
    print("|---|---|---|---|---|---|---|")
    for place, time in enumerate(TIMES_S):
        print(f"| {time} | " + " | ".join(columns[how][place] for how in columns) + " |")


if __name__ == "__main__":
    main(sys.argv[1:])
