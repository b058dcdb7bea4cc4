"""Weights of layers described in YAML: from an `.npz` file, or random ones that depend on the layer's name alone."""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aimcsim.ops import FloatArray

RANDOM_WEIGHTS = "weights are random (normal, 1/sqrt(K), seeded by layer name); no weight file was given"


class WeightFile(Mapping[str, NDArray[Any]]):
    """The arrays of an `.npz` file, read at once, and which of them no layer has asked for yet.

    Raises
    ------
    ValueError
        If the file is missing, is no `.npz`, or holds Python objects.
    """

    def __init__(self, path: Path) -> None:
        try:
            with path.open("rb") as stream, np.load(stream, allow_pickle=False) as file:
                self._arrays = dict(file)
        except FileNotFoundError:
            raise ValueError(f"no such file (got `{path}`)") from None
        except (OSError, ValueError, EOFError, TypeError, zipfile.BadZipFile) as error:
            raise ValueError(f"is no .npz file of plain arrays (got `{path}`: {error})") from None
        self.unused = dict.fromkeys(self._arrays)

    def __getitem__(self, name: str) -> NDArray[Any]:
        array: NDArray[Any] = self._arrays[name]
        self.unused.pop(name, None)
        return array

    def __iter__(self) -> Iterator[str]:
        return iter(self._arrays)

    def __len__(self) -> int:
        return len(self._arrays)

    def forget(self, layer: str) -> None:
        """Take all arrays of `layer` as used, when it was not read to the end."""
        for name in list(self.unused):
            if name.rpartition(".")[0] == layer:
                del self.unused[name]

    def floats(self, name: str, shape: tuple[int, ...]) -> FloatArray:
        """Return array `name` as float32.

        Raises
        ------
        ValueError
            If it has another shape, is not of floating-point numbers, or holds values that are not finite.
        """
        array = self[name]
        if array.shape != shape:
            raise ValueError(f"array `{name}` must have shape {list(shape)} (got {list(array.shape)})")
        if array.dtype.kind != "f":
            raise ValueError(f"array `{name}` must hold floating-point numbers (got {array.dtype})")
        values: FloatArray = array.astype(np.float32)
        if not np.isfinite(values).all():
            raise ValueError(f"array `{name}` holds values that are not finite in float32")
        return values


def random_weight(layer: str, groups: int, k: int, n: int) -> FloatArray:
    """Return float32 [groups, K, N] drawn from a normal distribution of width 1/sqrt(K).

    The generator is keyed by the layer's name, so a layer keeps its weights when others come or go.
    """
    key = int.from_bytes(hashlib.sha256(layer.encode()).digest()[:16], "little")
    values = np.random.Generator(np.random.Philox(key=key)).standard_normal((groups, k, n)) / np.sqrt(k)
    weight: FloatArray = values.astype(np.float32)
    return weight
