"""Engines: streams of vectors through stages, servers, slots and edges. They know no chip, no layer and no value."""

from aimcsim.engine.account import Account, Question
from aimcsim.engine.capacity import EdgeNeed, edge_needs
from aimcsim.engine.carrier import Carrier, Packets, Passage
from aimcsim.engine.choice import Engine, EngineName, engine_for
from aimcsim.engine.compiled import CompiledEngine
from aimcsim.engine.domains import domains, foreign_streams
from aimcsim.engine.edge import BytePool, Edge
from aimcsim.engine.environment import Environment
from aimcsim.engine.fast import FastEngine, can_run_fast
from aimcsim.engine.mixed import MixedEngine
from aimcsim.engine.progress import Alive, Progress
from aimcsim.engine.reference import ReferenceEngine
from aimcsim.engine.server import Hold, Server
from aimcsim.engine.slots import SlotPool
from aimcsim.engine.space import SpaceArbiter
from aimcsim.engine.span import Span, span_of
from aimcsim.engine.stream import STATE_OPS, Stage, Stream, System
from aimcsim.engine.walkback import Segment, Walk

__all__ = [
    "STATE_OPS",
    "Account",
    "Alive",
    "BytePool",
    "Carrier",
    "CompiledEngine",
    "Edge",
    "EdgeNeed",
    "Engine",
    "EngineName",
    "Environment",
    "FastEngine",
    "Hold",
    "MixedEngine",
    "Packets",
    "Passage",
    "Progress",
    "Question",
    "ReferenceEngine",
    "Segment",
    "Server",
    "SlotPool",
    "SpaceArbiter",
    "Span",
    "Stage",
    "Stream",
    "System",
    "Walk",
    "can_run_fast",
    "domains",
    "edge_needs",
    "engine_for",
    "foreign_streams",
    "span_of",
]
