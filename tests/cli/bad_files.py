"""Chip and workload files that are wrong: made ones, and mutations of right ones."""

import resource
import time
from itertools import pairwise
from pathlib import Path

from aimcsim.cli.checking import checked
from aimcsim.errors import InputError
from aimcsim.spec import preset_text

NET = """\
schema: aimcsim-workload/1
name: net
inputs: {{x: {shape}}}
layers:
  - {{name: a, {fields}}}
outputs: [a]
"""
SMALL_CHIP = """\
extends: tiny
name: small                       # a comment
clocks: {array: 50 MHz}
tile:
  adc: {converters: 32, bits: 7}
  buffers:
    scratch: {size: 32 KiB, clock: digital}
tables:
  vector:
    stages:
      - {name: fetch, resource: input_buffer.read, latency: 1 cycle, per: {input_bytes: 32}}
      - {name: compute, resource: vector_unit, latency: 2 cycles, actions: {vector_unit.op: work_elements}}
      - {name: store, resource: output_buffer.write, latency: 3 ns, actions: {output_buffer.write: output_bytes}}
"""
SMALL_NET = """\
schema: aimcsim-workload/1
name: small
inputs:
  image: {shape: [8, 8, 1], layout: CHW}
layers:
  - {name: conv, kind: conv2d, out_channels: 16, kernel: 3, pads: 1, activation: relu}
  - {name: branch, kind: conv2d, inputs: conv, out_channels: 16, kernel: [3, 3], pads: [1, 1, 1, 1], groups: 4}
  - {name: sum, kind: add, inputs: [conv, branch], activation: {clip: [0, 6]}}
  - {name: pool, kind: max_pool, kernel: 2, stride: 2}
  - name: classes
    kind: linear
    out_features: 10
outputs: [{name: classes, layout: F}]
"""
ARRIVALS = "request,arrival_s,who\n" + "".join(f'{i},{i * 1.25e-6!r},"client {i % 3}"\n' for i in range(40))
ARRIVALS_PS = "arrival_ps\n" + "".join(f"{i * i * 1000}\n" for i in range(60))


def net(shape, fields):
    return NET.format(shape=shape, fields=fields)


def laughs(levels):
    """Return YAML in which each anchor holds nine of the one before."""
    names = "abcdefghijklmnop"
    lines = [f"{new}: &{new} [{', '.join([f'*{old}'] * 9)}]" for old, new in pairwise(names[:levels])]
    return "\n".join(["a: &a [ha, ha, ha, ha, ha, ha, ha, ha, ha]", *lines])


CONV, LINEAR = "kind: conv2d, out_channels: 4, kernel: 3", "kind: linear, out_features: "
CHIPS = {
    "empty": "",
    "only spaces": " " * 1000,
    "only comments": "# nothing\n" * 100,
    "binary": bytes(range(256)) * 40,
    "a NUL": "extends: tiny\0\n",
    "truncated in a list": preset_text("tiny")[:4000],
    "truncated in a quote": 'extends: tiny\nname: "half',
    "a list": "[1, 2, 3]",
    "a number": "42",
    "two documents": "extends: tiny\n---\nextends: tiny\n",
    "lists within lists": "a: " + "[" * 100_000,
    "lists within lists, closed": "a: " + "[" * 2000 + "]" * 2000,
    "mappings within mappings": "{a: " * 20_000,
    "dashes": "- " * 20_000,
    "a thousand laughs": laughs(4) + "\nextends: tiny\n",
    "a billion laughs": laughs(10),
    "an anchor within itself": "extends: tiny\ntile: &t {adc: *t}\n",
    "an anchor that is not there": "extends: *nowhere\n",
    "a circle": "extends: bad.yaml\n",
    "far too large": "#" * 5_000_000,
    "far too many values": "extends: tiny\nassumptions: [" + "a, " * 80_000 + "]\n",
    "far too many fields": "extends: tiny\n" + "".join(f"k{i}: 1\n" for i in range(20_000)),
    "a tag": "extends: !!python/object/apply:os.system [ls]\n",
    "a field that is no text": "extends: tiny\n? {a: b}\n: c\n",
    "a merge key": "extends: tiny\n<<: {name: x}\n",
    "text for a section": "extends: tiny\ntile: large\n",
    "a list for a section": "extends: tiny\ncosts: [1]\n",
    "a number for text": "extends: tiny\nname: 5\n",
    "digits without end": "extends: tiny\ntile: {count: " + "9" * 5000 + "}\n",
    "hexadecimal without end": "extends: tiny\ntile: {count: 0x" + "f" * 5000 + "}\n",
    "a million million crossbars": "extends: tiny\ntile: {crossbars: 8000000000000}\n",
    "a million million turns": "extends: tiny\ntables: {vector: {loops: [{name: l, count: 1000000000000}]}}\n",
    "a frequency beyond all": "extends: tiny\nclocks: {array: 1e99 Hz}\n",
    "a size beyond all": "extends: tiny\ntile: {buffers: {scratch: {size: 1e90 TiB}}}\n",
}
WORKLOADS = {
    "empty net": "",
    "truncated net": SMALL_NET[:200],
    "binary net": b"\x89PNG\r\n" * 100,
    "layers within layers": "schema: aimcsim-workload/1\nlayers: " + "[" * 5000,
    "laughing layers": "schema: aimcsim-workload/1\n" + laughs(10),
    "a cyclic layer": "schema: aimcsim-workload/1\nname: n\ninputs: {x: [4]}\nlayers: &l [*l]\noutputs: [a]\n",
    "an image of a light year": net([100_000, 100_000, 1000], CONV),
    "a plane of a light year": net([20_000, 20_000, 1], "kind: max_pool, kernel: 2"),
    "windows beyond memory": net([8000, 8000, 1], CONV),
    "a kernel beyond memory": net([8, 8, 1], "kind: conv2d, out_channels: 4, kernel: 99999"),
    "weights beyond memory": net([1_000_000], LINEAR + "1000000"),
    "channels without end": net([8, 8, 1], "kind: conv2d, kernel: 3, out_channels: " + "9" * 4000),
    "groups without end": net([8, 8, 1_000_000], CONV.replace("4", "1000000") + ", groups: 1000000"),
    "pads without end": net([8, 8, 1], CONV + ", pads: 1000000"),
    "weights that are no weights": "weights: bad.yaml\n" + net([4], LINEAR + "3"),
    "text for layers": "schema: aimcsim-workload/1\nname: n\ninputs: {x: [4]}\nlayers: many\noutputs: [a]\n",
    "a shape of text": net("[eight, 8, 1]", CONV),
}


def refusal(path):
    """Check a file; return (its problems as one text, or an empty one; processor time, s)."""
    begun = time.process_time()
    try:
        checked([str(path)])
        said = ""
    except InputError as error:
        said = str(error)
        assert said, "an error that says nothing"
    return said, time.process_time() - begun


def grown_mb(work):
    """Return by how much the largest memory of this process has grown over some work, MB."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    work()
    return (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024


BITS = [
    "[", "]", "{", "}", ": ", ":", "- ", ",", "#", "&a ", "*a", "!!int ", "!x ", "? ", "| ", "> ", "'", '"', "\t", "\0",
    "\n", "  ",
    "---\n", "...\n", "<<: ", "null", "~", "true", ".inf", ".nan", "-1", "0", "1e400", "0x" + "f" * 99, "9" * 30,
    "99999999", "1.5",
    "\u00b5", "\u2028", "\ufeff", "\U0001f600", "[" * 50, "{a: " * 50,
    "extends: tiny\n", "kernel", "tile", "1 cycle", "10 ns", "-5 ns", "KiB",
]  # fmt: skip


def mutated(text, generator):
    """Return the bytes of a file after one to four accidents."""
    raw = bytearray(text.encode())
    for _ in range(generator.randint(1, 4)):
        at, length = generator.randrange(len(raw) + 1), generator.randint(1, 30)
        match generator.randrange(6):
            case 0 if raw:
                raw[at % len(raw)] = generator.randrange(256)
            case 1:
                del raw[at : at + length]
            case 2:
                raw[at:at] = generator.choice(BITS).encode()
            case 3:
                raw[at:at] = raw[at : at + length] * generator.randint(1, 3)
            case 4:
                lines = bytes(raw).split(b"\n")
                generator.shuffle(lines) if generator.random() < 0.1 else lines.pop(generator.randrange(len(lines)))
                raw = bytearray(b"\n".join(lines))
            case 5:
                del raw[max(at, len(raw) // 2) :]
        raw = raw or bytearray(b"\n")
    return bytes(raw)


def mutate_and_check(path: Path, count, generator):
    """Check mutations of right files in turn; return how many were refused, and the longest processor time of it, s."""
    refused, longest = 0, 0.0
    seeds = [SMALL_CHIP, SMALL_NET] * 5 + [preset_text("tiny")]  # which takes ten times as long
    for turn in range(count):
        path.write_bytes(mutated(seeds[turn % len(seeds)], generator))
        try:
            said, took = refusal(path)
        except Exception as error:
            error.add_note(f"mutation {turn} in {path}")
            raise
        refused += bool(said)
        longest = max(longest, took) if said else longest
    return refused, longest
