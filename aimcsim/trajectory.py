"""The values of a run, each request in the devices as they are in its epoch.

In the reference engine values travel with the vectors, and a request's epoch is known once it is admitted. Otherwise
they are computed outside the clock when the run is over, a layer of a request at a time, which gives the same bits.
"""

from __future__ import annotations

from bisect import bisect_left
from functools import cache, lru_cache
from itertools import groupby

import numpy as np

from aimcsim.arrays import Matrices, Programmed
from aimcsim.controller import Plan
from aimcsim.datapath import Datapath, States
from aimcsim.evaluation import evaluate_packed
from aimcsim.maintenance import Epoch
from aimcsim.ops import FloatArray
from aimcsim.records import Table

EPOCHS_KEPT = 4
"""Epochs of which requests in the clock are under way at a time, without computing one of them twice."""

Tensors = dict[str, FloatArray]


def values_in_clock(plan: Plan, programmed: Programmed, samples: Tensors) -> Datapath:
    """Return what computes the samples along with a run of the reference engine, attached to its streams."""
    found = Datapath(plan, _states(plan, programmed), samples)
    found.attach()
    return found


def values_afterwards(plan: Plan, programmed: Programmed, samples: Tensors, requests: Table) -> Tensors:
    """Return the outputs of the samples in the epochs that the table of a finished run has."""
    epochs = list(map(Epoch, requests["state_s"].tolist(), requests["compensated_s"].tolist()))
    parts, first = [], 0
    for epoch, alike in groupby(epochs):
        end = first + len(list(alike))
        part = {name: values[first:end] for name, values in samples.items()}
        parts.append(evaluate_packed(plan.workload, _matrices(plan, programmed, epoch), part, first))
        first = end
    return {name: np.concatenate([part[name] for part in parts]) for name in plan.workload.outputs}


def _matrices(plan: Plan, programmed: Programmed, epoch: Epoch) -> Matrices:
    return programmed.at(epoch.time_s, plan.maintenance.compensate, epoch.compensated_s)


def _states(plan: Plan, programmed: Programmed) -> States:
    """Return what gives the matrices that a request reads, from the logs of a run that is under way."""

    @lru_cache(maxsize=EPOCHS_KEPT)
    def matrices(epoch: Epoch) -> Matrices:
        return _matrices(plan, programmed, epoch)

    @cache
    def epoch_of(request: int) -> Epoch:
        return _epoch(plan, request)

    return lambda request: matrices(epoch_of(request))


def _epoch(plan: Plan, request: int) -> Epoch:
    """Return the epoch of a request that has been admitted, whatever else has happened by now."""
    loads = [stream for stream in plan.system.streams if stream.index in plan.loads]
    admitted = min(
        load.issue_ps[request * load.vectors] for load in loads if len(load.issue_ps) > request * load.vectors
    )
    again = [stream for stream in plan.system.streams if stream.kind == "compensate" and stream.source]
    done = min((bisect_left(stream.end_ps, admitted) // stream.vectors for stream in again), default=0)
    return plan.maintenance.epoch(admitted, plan.system.begun_ps(), done)
