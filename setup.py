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
STREAMS = (
    "_streams.pyx",
    "streams.c",
    "streams_rings.c",
    "streams_account.c",
    "streams_walk.c",
    "streams_path.c",
    "streams_train.c",
    "streams_carry.c",
    "flits.c",
)
VECTOR_PARTS = ("vectors_impl.h", "product_impl.h", "digits_impl.h")
VALUE_PARTS = tuple(f"{part}.h" for part in ("array", "values", "values_isa"))
VALUE_PARTS += tuple(f"{part}_impl.h" for part in ("levels", "values", "slices", "dots"))
EXTENSIONS = [
    Extension(
        "aimcsim._kernels._array",
        [f"{KERNELS}/_array.pyx", f"{KERNELS}/array.c"],
        include_dirs=[KERNELS],
        depends=[f"{KERNELS}/{name}" for name in ("array.h", "array_impl.h", *VECTOR_PARTS)],
        extra_compile_args=COMPILE_ARGS,
        extra_link_args=LINK_ARGS,
    ),
    Extension(
        "aimcsim._kernels._normals",
        [f"{KERNELS}/_normals.pyx", f"{KERNELS}/normals.c"],
        include_dirs=[KERNELS],
        depends=[f"{KERNELS}/array.h", f"{KERNELS}/normals.h", f"{KERNELS}/normals_impl.h"],
        extra_compile_args=COMPILE_ARGS,
        extra_link_args=LINK_ARGS,
    ),
    Extension(
        "aimcsim._kernels._wires",
        [f"{KERNELS}/_wires.pyx", f"{KERNELS}/wires.c"],
        include_dirs=[KERNELS],
        depends=[f"{KERNELS}/wires.h", f"{KERNELS}/wires_impl.h", f"{KERNELS}/array.h"],
        extra_compile_args=COMPILE_ARGS,
        extra_link_args=LINK_ARGS,
    ),
    Extension(
        "aimcsim._kernels._values",
        [f"{KERNELS}/_values.pyx", f"{KERNELS}/values.c"],
        include_dirs=[KERNELS],
        depends=[f"{KERNELS}/{name}" for name in (*VALUE_PARTS, *VECTOR_PARTS)],
        # Without errno and traps, roots and choices become vectors; no bit of a result depends on either.
        extra_compile_args=[*COMPILE_ARGS, "-fno-math-errno", "-fno-trapping-math"],
        extra_link_args=LINK_ARGS,
    ),
    Extension(
        "aimcsim._kernels._streams",
        [f"{KERNELS}/{name}" for name in STREAMS],
        include_dirs=[KERNELS],
        depends=[f"{KERNELS}/streams.h", f"{KERNELS}/streams_walk.h", f"{KERNELS}/flits.h"],
        # Two fields written apart and read at once as a vector keep the processor waiting.
        extra_compile_args=[*COMPILE_ARGS, "-fno-tree-slp-vectorize"],
        extra_link_args=LINK_ARGS,
    ),
    Extension(
        "aimcsim._kernels._calendar",
        [f"{KERNELS}/_calendar.pyx"],
        include_dirs=[KERNELS],
        depends=[f"{KERNELS}/flits.h"],
        extra_compile_args=COMPILE_ARGS,
        extra_link_args=LINK_ARGS,
    ),
    Extension(
        "aimcsim._kernels._flits",
        [f"{KERNELS}/_flits.pyx", f"{KERNELS}/flits.c"],
        include_dirs=[KERNELS],
        depends=[f"{KERNELS}/flits.h"],
        extra_compile_args=COMPILE_ARGS,
        extra_link_args=LINK_ARGS,
    ),
    Extension(
        "aimcsim._kernels._tokens",
        [f"{KERNELS}/_tokens.pyx"],
        extra_compile_args=COMPILE_ARGS,
        extra_link_args=LINK_ARGS,
    ),
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
