"""A real session of onnxruntime: the same numbers, however it is run."""

from __future__ import annotations

import threading

import pytest

from tests.observed import Observed
from tests.real_libraries.conftest import require_library

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture
def session(measured, tmp_path, request):
    """Return a session, loaded from a file."""
    require_library("onnxruntime")
    require_library("onnx")
    import onnxruntime

    from tests.real_libraries import tiny_models

    # A name of the test's own: an earlier test's session may be let go, and be told as unloaded, in this one.
    path = tmp_path / f"tiny-{request.node.name}.onnx"
    path.write_bytes(tiny_models.onnx_bytes())
    return onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])


def given():
    """Return an input."""
    import numpy

    return {"x": numpy.ones((2, 16), "f4")}


def test_every_way_to_run(observed: Observed, session) -> None:
    """Plain, bound, with values, with a vector of them, in a thread of the library: each is one call of that model."""
    import numpy
    import onnxruntime

    from genotel import uninstrument

    name = "tiny-test_every_way_to_run.onnx"
    first = session.run(None, given())[0]
    values = {"x": onnxruntime.OrtValue.ortvalue_from_numpy(given()["x"])}
    from onnxruntime.capi import _pybind_state as ort

    feeds, fetched = ort.OrtValueVector(), ort.OrtValueVector()
    feeds.push_back(values["x"]._ortvalue)
    devices = [ort.OrtDevice(ort.OrtDevice.cpu(), ort.OrtDevice.default_memory(), 0)]
    session.run_with_ortvaluevector(onnxruntime.RunOptions(), ["x"], feeds, ["y"], fetched, devices)
    fifth = next(iter(fetched)).numpy()
    third = session.run_with_ort_values(["y"], values)[0].numpy()
    binding = session.io_binding()
    binding.bind_cpu_input("x", given()["x"])
    binding.bind_output("y")
    session.run_with_iobinding(binding)
    second = binding.copy_outputs_to_cpu()[0]
    done = threading.Event()
    got = []

    def callback(results, user_data, error):
        got.extend((results[0], user_data, error))
        done.set()

    session.run_async(["y"], given(), callback, "mine")
    assert done.wait(20)
    assert got[1:] == ["mine", ""]
    assert observed.outcomes(name) == {"ok": 5}
    assert observed.value("genotel_model_resident", gen_ai_request_model=name) == 1
    uninstrument()
    plain = session.run(None, given())[0]
    for each in (first, second, third, got[0], fifth):
        assert numpy.array_equal(each, plain)
    assert observed.outcomes(name) == {"ok": 5}


def test_a_wrong_input_is_the_librarys_error(observed: Observed, session) -> None:
    """Counted as an error, raised as it was."""
    with pytest.raises(ValueError, match="Required inputs"):
        session.run(None, {"z": given()["x"]})
    assert observed.outcomes("tiny-test_a_wrong_input_is_the_librarys_error.onnx") == {"error": 1}
