"""One simulation, from files to a `Run`: `simulate()` is the whole tool as a function."""

from __future__ import annotations

import platform
import time
from collections.abc import Mapping as MappingOf
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any, Literal, Protocol, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from aimcsim import recorder, saturation, summary
from aimcsim.analog import Compensate
from aimcsim.arrays import error_spec, program_layers
from aimcsim.calibration import Calibration, calibration_for
from aimcsim.chip import Chip
from aimcsim.controller import Controller, Plan
from aimcsim.engine import Alive, EngineName, Environment, System, engine_for
from aimcsim.errors import ConfigError, TraceError
from aimcsim.evaluation import check_choice, checked_time, labels_of, pack_samples, placed_on
from aimcsim.maintenance import Maintenance, maintenance_of
from aimcsim.mapping import Mapping, MappingPolicy, joined, on_engines
from aimcsim.ops import FloatArray
from aimcsim.quotas import Quota, deal
from aimcsim.recorder import Grain
from aimcsim.records import Table
from aimcsim.records.run_dir import RunFiles, read_run, write_run
from aimcsim.spec import load_chip, resolved_yaml
from aimcsim.spec.chip_file import ChipFile
from aimcsim.spec.rates import too_fast
from aimcsim.trajectory import values_afterwards, values_in_clock
from aimcsim.units import format_energy_j, format_time_ps
from aimcsim.version import __version__
from aimcsim.workload import float_reference, load_workload
from aimcsim.workload.arrivals import Arrivals
from aimcsim.workload.arrivals import arrivals as find_arrivals
from aimcsim.workload.graph import Workload

Analog = Literal["off", "ideal", "quantized", "analog"]

ASSUMPTIONS = (
    "between layers, values are float32; their bytes are counted at numbers.output_bits",
    "every consumer of a tensor keeps its own copy of it",
    "costs that the chip file states in numbers change with no size, resolution, width or clock; those from models do",
)
WAITING = "all requests are waiting at the start; one is admitted as soon as there is room for its first input vector"
CLOSED = "a request is sent as soon as fewer than {} are under way, and admitted as soon as there is room for it"
ARRIVING = "requests arrive as asked ({}), counted from the moment at which the first could be admitted"
IN_DEVICES = "the lines of an array are as long as its block, and converters have no noise"
ALL_AS_PROCESSES = (
    "components of the user's own run beside a network of routers, which one engine alone can run: so the reference "
    "engine ran everything, at the same times"
)
TIMING_ONLY = "no values were computed; nothing on this chip takes time that depends on them"


MOST_VECTORS = 20_000_000
"""Vectors, over all layers and requests, that one run may have: the reference engine keeps each, with all its times."""

FLOAT_BATCH = 256
"""Samples whose float tensors are in memory at a time."""


class Guest(Protocol):
    """A component of the user's own."""

    def attach(self, plan: Plan) -> None:
        """Add what it needs (guests, processes) before the run starts."""


@dataclass(frozen=True, slots=True)
class Built:
    """A system that is ready to run, and what its parts stand for."""

    chip: ChipFile
    workload: Workload
    mapping: Mapping
    plan: Plan
    quotas: list[Quota]


def build(
    chip: ChipFile | str | Path,
    workload: Workload | str | Path,
    *,
    requests: int = 1,
    overrides: Sequence[str] = (),
    mapping: MappingPolicy | str | Path | None = None,
    chips: int | Literal["auto"] | None = None,
    program_first: bool = True,
    release_ps: tuple[int, ...] = (),
    max_in_flight: int | None = None,
    maintenance: Maintenance | None = None,
    shuffle_seed: int | None = None,
) -> Built:
    """Return the system of a workload on a chip, checked for space and not yet run.

    Parameters are those of `simulate`; `release_ps` are the arrivals, `maintenance` what happens to devices that err,
    and `shuffle_seed` processes simultaneous events in a random order, which must not change any result.
    """
    if isinstance(overrides, str):
        raise ConfigError(f"overrides must be a list of `path=value` (got the text {overrides!r})")
    spec = chip if isinstance(chip, ChipFile) else load_chip(chip, overrides)
    network = workload if isinstance(workload, Workload) else load_workload(workload)
    network = on_engines(network, spec)
    policy = mapping if isinstance(mapping, MappingPolicy) else MappingPolicy()
    if chips is not None:
        spec = joined(spec, network, policy, chips)
    kept = maintenance or Maintenance()
    if error_spec(spec).is_exact:
        kept = kept.of_exact_arrays()
    placed = placed_on(network, spec, mapping if isinstance(mapping, str | Path) else policy)
    _check_size(network, placed, requests, kept)
    begin = None if program_first else 0
    environment = Environment(shuffle_seed=shuffle_seed)
    system = System(environment, requests=requests, begin=begin, release_ps=release_ps)
    plan = Controller(system, Chip(system, spec), network, placed, kept).build()
    if max_in_flight is not None:
        loads, stores = ([system.streams[index] for index in group] for group in (plan.loads, plan.stores))
        system.bound_in_flight(loads, stores, max_in_flight, "host.in_flight")
    return Built(spec, network, placed, plan, deal(plan))


def _check_size(network: Workload, placed: Mapping, requests: int, maintenance: Maintenance) -> None:
    """Refuse runs whose logs would not fit any memory."""
    each = sum(layer.shape.vectors for layer in network.layers)
    known = maintenance.vectors * len(maintenance.due_ps) * len(placed.shares)
    if known > MOST_VECTORS:
        raise ConfigError(
            f"{len(maintenance.due_ps)} compensations are more than a run of {MOST_VECTORS} vectors has room for; "
            "lever: a longer period (--compensate-every)"
        )
    if requests * each > MOST_VECTORS:
        raise ConfigError(
            f"{requests} requests of {each} vectors each are more than the {MOST_VECTORS} that a run keeps; "
            f"at most {MOST_VECTORS // each} requests of this workload are possible"
        )


def simulate(  # noqa: PLR0913 - the whole tool as one function
    chip: ChipFile | str | Path,
    workload: Workload | str | Path,
    *,
    inputs: MappingOf[str, ArrayLike] | None = None,
    requests: int | None = None,
    analog: Analog | None = None,
    grain: Grain | Literal["auto"] | None = None,
    time_s: float = 0.0,
    compensate: Compensate = "none",
    calibration: Calibration | str | Path | None = None,
    epoch_s: float | None = None,
    compensate_every_s: float | None = None,
    seed: int = 0,
    overrides: Sequence[str] = (),
    mapping: MappingPolicy | str | Path | None = None,
    chips: int | Literal["auto"] | None = None,
    program_first: bool = True,
    arrivals: str | Path | Sequence[int] | None = None,
    max_in_flight: int | None = None,
    warmup: int = 0,
    components: Sequence[Guest] = (),
    engine: EngineName = "fast",
    shuffle_seed: int | None = None,
    alive: Alive | None = None,
    spool: str | Path | None = None,
) -> Run:
    """Run a workload on a chip.

    Parameters
    ----------
    chip, workload
        A loaded one, a file, or the name of one that comes with the package.
    inputs : mapping, optional
        Arrays [samples, *the input's own shape] by the names of the network's inputs, one request a sample; `labels`
        may hold the right classes.
    requests : int, optional
        How many requests; default: one per sample, or 1 without inputs. With inputs, the first so many samples.
    analog : str, optional
        ``off``: time and energy only; ``ideal``: exact weights and converters; ``quantized``: integers through the
        chip's slices and converters; ``analog``: the same in devices, as `tile.analog` says. Default: ``quantized``
        with inputs, ``off`` without.
    time_s, compensate : float, str
        With ``analog``: seconds since programming, at the begin, and what is done about drift; see `evaluate`. The
        reads of a compensation are ops of the run, before its first request; with ``off``, they are all of it.
    epoch_s : float, optional
        With ``analog``: the state of devices moves on in steps of so many seconds of simulated time, and a request
        reads that of its admission. Default: `compensate_every_s`, or it stays as it is at the begin.
    compensate_every_s : float, optional
        Compensations are repeated with this period until the last request has arrived; needs `arrivals`.
    calibration : Calibration or path, optional
        With ``analog``: ranges of inputs and converters in place of those of `tile.analog`; see `evaluate`.
    grain : str, optional
        Vectors that one record covers: ``vector``, ``row`` or ``layer``; default, or ``auto``: by the size of the run.
        Changes no time and no value.
    seed : int
        Seed of all that is random.
    overrides : sequence of str
        ``path.to.field=value`` changes of the chip file.
    mapping : MappingPolicy or path, optional
        How the workload is put on the chip where there is a choice, or the mapping file that says it. Changes no value
        but of mode ``analog``, where it says whose cells, drivers and converters a layer has.
    chips : int or ``auto``, optional
        So many equal chips, joined by `system.chip_link`; ``auto``: as many as it takes.
    program_first : bool
        Whether requests are admitted after the weights were programmed, or wait for it as `maintenance`.
    arrivals : str, path or sequence of int, optional
        When requests arrive: ``poisson:RATE``, ``fixed:RATE``, ``burst:COUNT:RATE``, a CSV file, or times in ps,
        counted from when the first could be admitted (see `aimcsim.workload.arrivals`). Default: all wait at the start.
    max_in_flight : int, optional
        Request r is not admitted before request r - `max_in_flight` has ended.
    warmup : int
        The first so many requests are left out of the figures of latency and throughput, not of energy and waits.
    components : sequence
        Components of the user's own, attached before the run.
    engine : str
        ``fast``: a compiled loop on calendars, with values computed outside it; ``reference``: SimPy processes, an
        event per booking. Both give the same times and values. The fast engine leaves to the reference what only this
        can run: components of the user's own with all that shares servers with them, and pools without quotas.
    alive : callable, optional
        Told every so often how far the run is (`aimcsim.engine.Progress`).
    spool : str or path, optional
        Folder of the file in which the records of what has ended wait for being asked for; default: where temporary
        files are. It has no name, and is gone with the run. The fast engine needs one beyond a megabyte of records.

    Raises
    ------
    ConfigError, CapacityError, TraceError
        If the input cannot be used.
    DeadlockError
        If the run gets stuck, with the cycle of who waits for whom.
    OutputError
        If there is no room for the records.
    """
    started = time.perf_counter()
    _check_arguments(inputs, requests, analog, grain, engine)
    _check_in_flight(max_in_flight)
    moving = epoch_s is not None or compensate_every_s is not None
    _check_epoch(time_s, compensate, analog, moving=moving)
    if calibration is not None and analog != "analog":
        raise ConfigError(f"a calibration needs `analog` values (got {analog or 'none'})")
    _check_components(components)
    network = workload if isinstance(workload, Workload) else load_workload(workload)
    samples = _samples(network, inputs, requests)
    count, coming = _coming(arrivals, _count(samples, requests), seed)
    _check_warmup(warmup, count)
    maintenance = maintenance_of(
        time_s, compensate, epoch_s, compensate_every_s, None if coming is None else coming.times_ps
    )
    mode: Analog = analog or ("off" if samples is None else "quantized")
    if mode != "off" and samples is None:
        raise ConfigError(f"--analog {mode} needs inputs (--inputs FILE.npz); without them only `off` is possible")
    built = build(
        chip,
        network,
        requests=count,
        overrides=overrides,
        mapping=mapping,
        chips=chips,
        program_first=program_first,
        release_ps=() if coming is None else coming.times_ps,
        max_in_flight=max_in_flight,
        maintenance=maintenance,
        shuffle_seed=shuffle_seed,
    )
    for component in components:
        component.attach(built.plan)
    recorded = _grain(built.plan.system, grain)
    folder = None if spool is None else Path(spool)
    asked = recorder.question(built.plan, recorded)
    runner = engine_for(built.plan.system, engine if shuffle_seed is None else "reference", asked, folder)
    programmed, travelling = None, None
    calibrated = calibration_for(calibration, built.workload, built.chip)
    if mode != "off" and samples is not None:
        ranges = None if calibrated is None else calibrated.layers
        programmed = program_layers(built.workload, built.mapping, built.chip, mode, seed=seed, calibration=ranges)
        if runner.name == "reference":
            travelling = values_in_clock(built.plan, programmed, samples)
    events = runner.run(alive)
    found = runner.account()
    tables = recorder.record(built.plan, built.quotas, found, recorded, warmup)
    outputs: dict[str, FloatArray] = {} if travelling is None else travelling.outputs
    if programmed is not None and samples is not None and travelling is None:
        outputs = values_afterwards(built.plan, programmed, samples, tables["requests"])
    labels = None if inputs is None else labels_of(inputs, network, count)
    checked = None if samples is None or programmed is None else _check(network, samples, outputs, labels)
    facts: dict[str, Any] = {
        "analog": mode,
        "calibration": None if calibrated is None else calibrated.data(),
        "grain": recorded,
        "seed": seed,
        "checked": checked,
    }
    facts["grain_chosen"] = "by size" if grain in (None, "auto") else "as asked"
    facts |= {"arrivals": None if coming is None else coming.said, "max_in_flight": max_in_flight, "warmup": warmup}
    facts["begun_ps"] = found.begun_ps
    facts |= {"engine": runner.name, "events": events, "wall_s": time.perf_counter() - started}
    facts["all_as_processes"] = bool(components) and engine == "fast" and built.plan.system.carrier is not None
    return _finish(built, recorder.timed(found), tables, outputs, facts)


def _grain(system: System, asked: Grain | Literal["auto"] | None) -> Grain:
    """Return the grain that was asked for, or what suits the size of a run."""
    if asked is None or asked == "auto":
        return recorder.grain_by_size(sum(stream.total for stream in system.streams))
    return asked


def _check_arguments(inputs: object, requests: object, analog: object, grain: object, engine: object) -> None:
    """Refuse arguments of the wrong kind, which types alone do not keep out of a notebook."""
    if inputs is not None and not isinstance(inputs, MappingOf):
        raise TraceError(f"inputs must map names of inputs to arrays (got {type(inputs).__name__})")
    if requests is not None and (not isinstance(requests, int) or requests < 1):
        raise ConfigError(f"--requests must be a whole number of at least 1 (got {requests!r})")
    check_choice("analog", "off" if analog is None else analog, get_args(Analog))
    check_choice("grain", "auto" if grain is None else grain, ("auto", *get_args(Grain)))
    check_choice("engine", engine, get_args(EngineName))


def _samples(
    network: Workload, inputs: MappingOf[str, ArrayLike] | None, requests: int | None
) -> dict[str, FloatArray] | None:
    """Return the packed samples that are run."""
    if inputs is None:
        return None
    packed = pack_samples(network, inputs)
    there = len(next(iter(packed.values())))
    if not there:
        raise TraceError("the inputs have no samples")
    if requests is not None and requests > there:
        raise ConfigError(f"--requests {requests}: the inputs have {there} samples")
    return {name: values[:requests] for name, values in packed.items()}


def _count(samples: dict[str, FloatArray] | None, requests: int | None) -> int | None:
    return requests if samples is None else len(next(iter(samples.values())))


def _coming(asked: str | Path | Sequence[int] | None, count: int | None, seed: int) -> tuple[int, Arrivals | None]:
    """Return how many requests there are, and when they arrive."""
    if asked is None:
        return count or 1, None
    coming = find_arrivals(asked, count, seed)
    return len(coming.times_ps), coming


def _check_in_flight(most: object) -> None:
    if most is not None and (not isinstance(most, int) or most < 1):
        raise ConfigError(f"max_in_flight must be a whole number of at least 1 (got {most!r})")


def _check_epoch(time_s: object, compensate: object, analog: object, *, moving: bool) -> None:
    checked_time(time_s)
    check_choice("compensate", compensate, get_args(Compensate))
    if analog not in ("analog", "off") and (time_s or moving or compensate != "none"):
        raise ConfigError(f"a time since programming and a compensation need `analog` values (got {analog or 'none'})")


def _check_components(components: object) -> None:
    if not isinstance(components, Sequence):
        raise ConfigError(f"components must be a list of them (got {type(components).__name__})")
    for component in components:
        if not callable(getattr(component, "attach", None)):
            raise ConfigError(f"a component must have a method `attach(plan)` (got {type(component).__name__})")


def _check_warmup(warmup: object, requests: int) -> None:
    if not isinstance(warmup, int) or not 0 <= warmup < requests:
        raise ConfigError(
            f"warmup must leave some of the {requests} requests to be measured: a whole number from 0 to "
            f"{requests - 1} (got {warmup!r})"
        )


def _check(
    network: Workload, samples: dict[str, FloatArray], outputs: MappingOf[str, FloatArray], labels: NDArray[Any] | None
) -> dict[str, Any]:
    """Compare outputs with the same network in float64."""
    reference = _float_outputs(network, samples)
    name = network.outputs[0]
    got = outputs[name].reshape(len(outputs[name]), -1)
    expected = reference[name].reshape(got.shape)
    errors = [_relative_error(outputs[key], reference[key]) for key in network.outputs]
    checked = {
        "reference": "float64",
        "samples": len(got),
        "max_rel_err": max(errors),
        "agreement": float(np.mean(got.argmax(axis=1) == expected.argmax(axis=1))),
    }
    if labels is not None:
        checked["accuracy"] = float(np.mean(got.argmax(axis=1) == labels))
        checked["reference_accuracy"] = float(np.mean(expected.argmax(axis=1) == labels))
    return checked


def _float_outputs(network: Workload, samples: dict[str, FloatArray]) -> dict[str, NDArray[Any]]:
    """Return the outputs in float64, computed so many samples at a time."""
    count = len(next(iter(samples.values())))
    parts = [
        float_reference(network, {name: values[first : first + FLOAT_BATCH] for name, values in samples.items()})
        for first in range(0, count, FLOAT_BATCH)
    ]
    return {name: np.concatenate([part[name] for part in parts]) for name in network.outputs}


def _relative_error(got: NDArray[Any], expected: NDArray[Any]) -> float:
    """Return the largest difference over the largest value expected."""
    largest = max(float(np.abs(expected).max()), float(np.finfo(np.float32).tiny))
    return float(np.abs(got.ravel() - expected.ravel()).max()) / largest


def _finish(
    built: Built,
    span: recorder.Span,
    tables: dict[str, Table],
    outputs: MappingOf[str, FloatArray],
    facts: dict[str, Any],
) -> Run:
    """Put a run together from its tables."""
    requests, spec = tables["requests"], built.chip
    waited = summary.bottlenecks(tables["ops"], tables["waits"], tables["critical_path"])
    warmup, joules = facts["warmup"], summary.energy(tables["energy"], requests.rows)
    operations, throughput = 2 * built.workload.macs, summary.throughput(requests, warmup)
    area_m2 = float(spec.area_m2)
    values: dict[str, Any] = {
        "schema": summary.SCHEMA,
        "chip": built.chip.name,
        "workload": built.workload.name,
        "analog": facts["analog"],
        "grain": facts["grain"],
        "grain_chosen": facts["grain_chosen"],
        "seed": facts["seed"],
        "seeds": 1,
        "epoch": _epoch(built, facts["analog"]),
        "calibration": facts["calibration"],
        "engine": facts["engine"],
        "requests": requests.rows,
        "makespan_ps": span.length_ps,
        "programming_ps": facts["begun_ps"],
        "arrivals": facts["arrivals"],
        "max_in_flight": facts["max_in_flight"],
        "warmup": warmup,
        "latency_ps": summary.times(requests["latency_ps"][warmup:]),
        "queued_ps": summary.times(requests["queued_ps"][warmup:]),
        "throughput_per_s": throughput,
        "operations": operations,
        **summary.efficiency(operations, throughput, joules["per_request"], area_m2),
        "load": facts["arrivals"]
        and saturation.load(requests, tables["resources"], tables["critical_path"], span.length_ps),
        "energy_j": joules,
        "power_w": summary.power(tables["power"], joules["by_component"], span.length_ps),
        "area_m2": area_m2,
        "waits_ps": summary.waits(tables["ops"]),
        "bottlenecks": waited,
        "tiles_used": built.mapping.tiles_used,
        "crossbars_used": built.mapping.crossbars_used,
        "utilisation": summary.utilisation(tables["resources"]),
        "ops": tables["ops"].rows,
        "events": facts["events"],
        "wall_s": facts["wall_s"],
        "outputs_checked": facts["checked"],
        "assumptions": [*_assumed_load(facts), *_assumptions(built, facts)],
    }
    values["ranges"] = summary.ranges(tables["energy"], spec, values)
    manifest = {
        "tool": "aimcsim",
        "version": __version__,
        "engine": facts["engine"],
        "python": platform.python_version(),
        "numpy": np.__version__,
        "chip": built.chip.name,
        "workload": built.workload.name,
        "seed": facts["seed"],
    }
    own = {name: built.workload.unpack_outputs(name, array) for name, array in outputs.items()}
    return Run(RunFiles(manifest, resolved_yaml(built.chip), values, tables, own))


def _assumed_load(facts: MappingOf[str, Any]) -> list[str]:
    """Return what is assumed of the coming of requests."""
    most = facts["max_in_flight"]
    bounded = [] if most is None else [CLOSED.format(most)]
    if facts["arrivals"]:
        return [ARRIVING.format(facts["arrivals"]), *bounded]
    return bounded or [WAITING]


def _epoch(built: Built, mode: Analog) -> dict[str, Any] | None:
    """Return what a run says about the state of its devices."""
    maintenance, arrays = built.plan.maintenance, sum(len(share.blocks) for share in built.mapping.shares)
    return maintenance.said(arrays) if mode == "analog" or maintenance.vectors else None


def _assumptions(built: Built, facts: MappingOf[str, Any]) -> list[str]:
    mode, maintenance = facts["analog"], built.plan.maintenance
    values = [ALL_AS_PROCESSES] if facts["all_as_processes"] else []
    values += {"off": [TIMING_ONLY], "analog": [IN_DEVICES]}.get(mode, [])
    if mode == "analog" or maintenance.vectors:
        values += maintenance.assumptions()
    return [*ASSUMPTIONS, *values, *built.workload.assumptions, *built.chip.assumed(), *too_fast(built.chip)]


@dataclass(frozen=True, slots=True, repr=False)
class Run:
    """One finished simulation: figures, tables, outputs."""

    files: RunFiles

    @property
    def partial(self) -> bool:
        """Whether this is what an interrupted run left; see `RunFiles.partial`."""
        return self.files.partial

    @property
    def summary(self) -> dict[str, Any]:
        """The figures of `summary.json`."""
        return self.files.summary

    @property
    def outputs(self) -> MappingOf[str, NDArray[Any]]:
        """What the network returned, [samples, ...] in its own layout by output name; empty without values."""
        return self.files.outputs

    @property
    def ops(self) -> Table:
        """One row per op: when it ran and where its time went."""
        return self.files.tables["ops"]

    @property
    def resources(self) -> Table:
        """One row per resource in use."""
        return self.files.tables["resources"]

    @property
    def requests(self) -> Table:
        """One row per request."""
        return self.files.tables["requests"]

    @property
    def waits(self) -> Table:
        """One row per op, cause, resource and holder."""
        return self.files.tables["waits"]

    def table(self, name: str) -> Table:
        """Return a table by name; see `aimcsim.records.SCHEMAS`."""
        return self.files.tables[name]

    def bottlenecks(self, count: int = 3) -> list[dict[str, Any]]:
        """Return what limits the run most; see `aimcsim.summary.bottlenecks`."""
        return summary.bottlenecks(self.ops, self.table("waits"), self.table("critical_path"), count)

    def save(self, directory: str | Path, *, force: bool = False) -> None:
        """Write the run as a directory; an existing one is replaced only with `force`."""
        write_run(Path(directory), self.files, force=force)

    def __repr__(self) -> str:
        values = self.summary
        if self.partial:
            return f"<partial run of {values.get('workload')} on {values.get('chip')}: {', '.join(self.files.tables)}>"
        latency, energy = values["latency_ps"]["p50"], values["energy_j"]["per_request"]
        return (
            f"<run of {values['workload']} on {values['chip']}: {values['requests']} requests, "
            f"latency {format_time_ps(latency)} (p50), {values['throughput_per_s']:.3g} per s, "
            f"{format_energy_j(energy)} per request>"
        )

    def _repr_html_(self) -> str:
        values = self.summary
        if self.partial:
            return f"<p>{escape(repr(self))}</p>"
        rows = {
            "requests": values["requests"],
            "latency, p50": format_time_ps(values["latency_ps"]["p50"]),
            "throughput": f"{values['throughput_per_s']:.3g} per s",
            "energy per request": format_energy_j(values["energy_j"]["per_request"]),
        }
        cells = "".join(f"<tr><th>{escape(key)}</th><td>{escape(str(value))}</td></tr>" for key, value in rows.items())
        title = escape(f"{values['workload']} on {values['chip']}")
        return f"<table><caption>{title}</caption>{cells}</table>"


def load_run(directory: str | Path) -> Run:
    """Read a run directory that `Run.save` or `aimcsim run` wrote.

    Raises
    ------
    InputError
        If it is none, or damaged.
    """
    return Run(read_run(Path(directory)))
