"""Extension modules; everything else about the package stands in pyproject.toml.

``AIMCSIM_CYTHON_DEBUG=1`` builds with Cython's bounds checks and C assertions, ``AIMCSIM_SANITIZE=1`` with GCC's
address and undefined-behaviour sanitizers (see scripts/sanitize).
"""

import os

from Cython.Build import cythonize
from setuptools import Extension, setup

DEBUG = os.environ.get("AIMCSIM_CYTHON_DEBUG") == "1"
SANITIZE = os.environ.get("AIMCSIM_SANITIZE") == "1"

# No -march=native and no -ffast-math: the same bits on every processor, whatever CFLAGS says about contraction.
COMPILE_ARGS = ["-O3", "-ffp-contract=off"]
LINK_ARGS: list[str] = []
if DEBUG:
    COMPILE_ARGS += ["-g", "-UNDEBUG"]
if SANITIZE:
    sanitizers = "-fsanitize=address,undefined"
    COMPILE_ARGS += ["-O1", "-g", "-UNDEBUG", sanitizers, "-fno-sanitize-recover=all"]
    LINK_ARGS += [sanitizers]

KERNELS = "aimcsim/_kernels"


def kernel(name: str, sources: str, headers: str, *flags: str) -> Extension:
    """Return the extension of `_NAME.pyx` and so many C files; names of files are apart by blanks and lack endings."""
    return Extension(
        f"aimcsim._kernels._{name}",
        [f"{KERNELS}/_{name}.pyx", *(f"{KERNELS}/{source}.c" for source in sources.split())],
        include_dirs=[KERNELS],
        depends=[f"{KERNELS}/{header}.h" for header in headers.split()],
        extra_compile_args=[*COMPILE_ARGS, *flags],
        extra_link_args=LINK_ARGS,
    )


STREAMS = (
    "streams streams_rings streams_account streams_walk streams_path streams_train streams_carry "
    "flits flits_make circuits"
)
VECTORS = "vectors_impl product_impl digits_impl"
VALUES = "array values values_isa levels_impl values_impl slices_impl dots_impl"
EXTENSIONS = [
    kernel("array", "array", f"array array_impl {VECTORS}"),
    kernel("normals", "normals", "array normals normals_impl"),
    kernel("wires", "wires", "array wires wires_impl"),
    # Without errno and traps, roots and choices become vectors; no bit of a result depends on either.
    kernel("values", "values", f"{VALUES} {VECTORS}", "-fno-math-errno", "-fno-trapping-math"),
    # Two fields written apart and read at once as a vector keep the processor waiting.
    kernel("streams", STREAMS, "streams streams_walk flits circuits", "-fno-tree-slp-vectorize"),
    kernel("calendar", "", "flits"),
    kernel("circuits", "circuits", "circuits flits"),
    kernel("flits", "flits flits_make", "flits"),
    kernel("tokens", "", ""),
]

setup(
    ext_modules=cythonize(
        EXTENSIONS,
        build_dir="build/cython",  # keeps generated C out of the package
        compiler_directives={
            "language_level": 3,
            "boundscheck": DEBUG,
            "initializedcheck": DEBUG,
            "wraparound": False,
            "cdivision": not DEBUG,
            "embedsignature": True,
        },
        force=DEBUG,  # the directives are no part of Cython's notion of "changed"
    )
)
