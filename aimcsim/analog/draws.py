"""Random numbers by name: what is drawn depends on who asks and for which element, never on when or with what else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from typing import Self

import numpy as np
from numpy.typing import NDArray

from aimcsim import _kernels
from aimcsim.errors import ConfigError

INDEX_END = 2**64  # a stream has this many elements


@dataclass(frozen=True, slots=True)
class Draws:
    """A place in the tree of all random numbers of a run, such as one block of one layer.

    A place is its path of names from the seed, hashed to 128 bits (BLAKE2b) when the model is built. At a place there
    is a stream for every *purpose*, and element i of it is a function of (seed, path, purpose, i) alone. So results do
    not depend on how a batch is split, on threads or on the order of reads, and a layer that is added shifts nobody's
    numbers. Numbers that are drawn again for every read take their elements from a read's own range of indices
    (`start`); no generator is built.

    Parameters
    ----------
    identity : bytes    16 bytes; made by `of` and `child`.
    """

    identity: bytes

    @classmethod
    def of(cls, seed: int) -> Self:
        """Return the root of all numbers that belong to `seed`, any integer.

        Raises
        ------
        ConfigError    If `seed` is no integer.
        """
        if not isinstance(seed, int) or isinstance(seed, bool):
            raise ConfigError(f"seed must be an integer (got {seed!r})")
        return cls(_hash(b"aimcsim", "seed", seed))

    def child(self, kind: str, which: str | int) -> Draws:
        """Return the place below this one that `kind` and `which` name, such as ``child("layer", "conv1")``."""
        return Draws(_hash(self.identity, kind, which))

    def normal(self, purpose: str, shape: int | tuple[int, ...], start: int = 0) -> NDArray[np.float64]:
        """Return standard normal numbers of `shape`: elements ``start, start + 1, ...`` of `purpose` in C order.

        Raises
        ------
        ValueError    If `start` is not in 0..2^64 - 1.
        """
        out = np.empty(shape)
        _kernels.fill_normals(_stream(self.identity, purpose), _starts([start]), out.reshape(1, -1))
        return out

    def uniform(self, purpose: str, shape: int | tuple[int, ...], start: int = 0) -> NDArray[np.float64]:
        """Return numbers spread evenly over (0, 1), both ends excluded; else as `normal`."""
        out = np.empty(shape)
        _kernels.fill_uniforms(_stream(self.identity, purpose), _starts([start]), out.reshape(1, -1))
        return out

    def add_normal(self, out: NDArray[np.float64], purpose: str, scale: float) -> None:
        """Add `scale` times ``normal(purpose, out.shape)`` to `out`.

        Raises
        ------
        ValueError    If `out` is not contiguous.
        """
        if not out.flags.c_contiguous:
            raise ValueError("out must be contiguous")
        _kernels.add_normals(_stream(self.identity, purpose), _starts([0]), scale, out.reshape(1, -1))

    def normal_rows(self, purpose: str, starts: Sequence[int], count: int) -> NDArray[np.float64]:
        """Return [len(starts), count] normals; row r is ``normal(purpose, count, starts[r])``. For batches of reads."""
        out = np.empty((len(starts), count))
        _kernels.fill_normals(_stream(self.identity, purpose), _starts(starts), out)
        return out


def _hash(parent: bytes, kind: str, which: str | int) -> bytes:
    """Return 128 bits that stand for `kind` and `which` below `parent`; text and numbers never look alike."""
    number = "i" if isinstance(which, int) else "s"
    text = f"{len(kind)}:{kind}{number}{which}".encode()
    return blake2b(parent + text, digest_size=16).digest()


@lru_cache(maxsize=65536)
def _stream(identity: bytes, purpose: str) -> NDArray[np.uint32]:
    """Return the Philox key and upper counter (two words each) of a purpose; the lower counter is the element."""
    words: NDArray[np.uint32] = np.frombuffer(_hash(identity, "purpose", purpose), dtype="<u4").astype(np.uint32)
    return words


def _starts(starts: Sequence[int]) -> NDArray[np.uint64]:
    if starts and not 0 <= min(starts) <= max(starts) < INDEX_END:
        raise ValueError(f"start must be in 0..2^64 - 1 (got {min(starts)} to {max(starts)})")
    return np.array(starts, dtype=np.uint64)
