"""Does the package of analog arrays load what is asked for, and only that?"""

import subprocess
import sys

import pytest

from aimcsim import analog
from aimcsim.analog import array

LISTING = "import sys, aimcsim.run; print(*(name for name in sys.modules if name.startswith('aimcsim.analog')))"


FACES = (analog, array)


@pytest.mark.parametrize(("face", "name"), [(face, name) for face in FACES for name in face.__all__])
def test_every_public_name_is_there(face, name):
    assert getattr(face, name) is not None


@pytest.mark.parametrize("face", FACES)
def test_the_listing_has_the_public_names(face):
    assert dir(face) == sorted(face.__all__)


@pytest.mark.parametrize("face", FACES)
def test_a_name_that_is_not_there_is_an_attribute_error(face):
    with pytest.raises(AttributeError, match="no attribute `nothing_such`"):
        face.nothing_such  # noqa: B018 - asking is the point


def test_a_run_without_devices_loads_no_arrays_with_devices(tmp_path):
    command = [sys.executable, "-c", LISTING]
    loaded = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True).stdout.split()
    assert "aimcsim.analog.error_spec" in loaded
    assert not {"aimcsim.analog.array.matrix", "aimcsim.analog.device_matrix"} & set(loaded)
