"""Every instrumentor keeps the same promises: what the user gives and gets is what it was without us."""

from __future__ import annotations

import asyncio
import inspect
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import entry_points
from types import ModuleType
from typing import Any

import pytest
from opentelemetry import context

import genotel
from genotel import guard
from genotel.autoinstrument import library_call
from genotel.autoinstrument.patching import Patch, Patches
from genotel.autoinstrument.registry import INSTRUMENTORS
from genotel.autoinstrument.suppression import EVERYTHING, LANGUAGE_MODELS
from genotel.instrumentation.generation import running
from genotel.instrumentation.instruments import IN_FORCE
from tests.observed import Observed, lenient, observing
from tests.stand_ins import loaded, stand_ins

Load = Callable[[str], ModuleType]


@dataclass(frozen=True)
class Case:
    """One measured function: where it is, an object to call it on, arguments that do and do not work."""

    library: str
    module: str
    owner: str
    name: str
    make: Callable[[Load], Any]
    good: tuple[tuple[Any, ...], dict[str, Any]]
    bad: tuple[tuple[Any, ...], dict[str, Any]] | None


def _prompt(load: Load) -> Any:
    return load("transformers.generation.utils").Ids([[5, 6, 7]])


def _llama(load: Load) -> Any:
    model = load("transformers.modeling_utils").PreTrainedModel()
    model.prompt = _prompt(load)
    return model


CASES = {
    "a pipeline of diffusers": Case(
        "diffusers",
        "diffusers.pipelines.kinds",
        "FakeImagePipeline",
        "__call__",
        lambda load: load("diffusers.pipelines.kinds").FakeImagePipeline(),
        (("a cat",), {"num_inference_steps": 3}),
        (("fail",), {}),
    ),
    "a modular pipeline": Case(
        "diffusers",
        "diffusers.modular_pipelines.modular_pipeline",
        "ModularPipeline",
        "__call__",
        lambda load: load("diffusers.modular_pipelines.modular_pipeline").ModularPipeline(),
        ((), {}),
        None,
    ),
    "generate of transformers": Case(
        "transformers",
        "transformers.generation.utils",
        "GenerationMixin",
        "generate",
        _llama,
        ((), {"max_new_tokens": 3}),
        ((), {"fails": True}),
    ),
    "sentence-transformers": Case(
        "sentence_transformers",
        "sentence_transformers.sentence_transformer.model",
        "SentenceTransformer",
        "encode",
        lambda load: load("sentence_transformers.sentence_transformer.model").SentenceTransformer("org/e"),
        ((["a", "b"],), {}),
        (("fail",), {}),
    ),
    "a session of onnxruntime": Case(
        "onnxruntime",
        "onnxruntime.capi.onnxruntime_inference_collection",
        "Session",
        "run",
        lambda load: load("onnxruntime.capi.onnxruntime_inference_collection").InferenceSession("/srv/a.onnx"),
        ((None, {"x": 1}), {}),
        ((None, "fail"), {}),
    ),
    "a completion of llama.cpp": Case(
        "llama_cpp",
        "llama_cpp.llama",
        "Llama",
        "create_completion",
        lambda load: load("llama_cpp.llama").Llama("/srv/tiny.gguf"),
        (("hi",), {}),
        (("fail",), {}),
    ),
    "a chat of llama.cpp": Case(
        "llama_cpp",
        "llama_cpp.llama",
        "Llama",
        "create_chat_completion",
        lambda load: load("llama_cpp.llama").Llama("/srv/tiny.gguf"),
        (([{"role": "user", "content": "hi"}],), {}),
        None,
    ),
    "scores of a cross-encoder": Case(
        "sentence_transformers",
        "sentence_transformers.cross_encoder.model",
        "CrossEncoder",
        "predict",
        lambda load: load("sentence_transformers.cross_encoder.model").CrossEncoder("org/c"),
        (([("a", "b")],), {}),
        None,
    ),
    "a run of values": Case(
        "onnxruntime",
        "onnxruntime.capi.onnxruntime_inference_collection",
        "Session",
        "run_with_ort_values",
        lambda load: load("onnxruntime.capi.onnxruntime_inference_collection").InferenceSession("/srv/b.onnx"),
        ((None, {"x": 1}), {}),
        None,
    ),
    "vLLM chat": Case(
        "vllm",
        "vllm.entrypoints.llm",
        "LLM",
        "chat",
        lambda load: load("vllm.entrypoints.llm").LLM("org/llm"),
        (([{"role": "user", "content": "hi"}],), {}),
        None,
    ),
    "vLLM offline": Case(
        "vllm",
        "vllm.entrypoints.llm",
        "LLM",
        "generate",
        lambda load: load("vllm.entrypoints.llm").LLM("org/llm"),
        ((["a", "b"],), {}),
        (("fail",), {}),
    ),
}
each_case = pytest.mark.parametrize("case", CASES.values(), ids=CASES)
failing = pytest.mark.parametrize("case", [case for case in CASES.values() if case.bad is not None])


@pytest.fixture
def observed() -> Iterator[Observed]:
    """Measure the test with providers of its own; nothing may be left current."""
    with observing() as observed:
        yield observed
        assert running.get() is None
        assert context.get_current() == {}


@pytest.fixture
def load() -> Iterator[Load]:
    """Return what imports a module of a stand-in."""
    with stand_ins() as load:
        yield load


def called(case: Case, subject: Any, given: tuple[tuple[Any, ...], dict[str, Any]]) -> Any:
    """Call the function of a case."""
    args, kwargs = given
    if case.name == "generate" and case.library == "transformers":
        args = (subject.prompt,)
    return getattr(subject, case.name)(*args, **kwargs)


def test_every_library_has_its_case() -> None:
    """A new instrumentor keeps these promises or fails here."""
    assert {each.library for each in INSTRUMENTORS} == {case.library for case in CASES.values()}


def test_every_library_has_its_entry_point() -> None:
    """``opentelemetry-instrument`` finds each, and each has the face that it calls."""
    found = {each.name.removeprefix("genotel_"): each for each in entry_points(group="opentelemetry_instrumentor")}
    for instrumentor in INSTRUMENTORS:
        entry = found[instrumentor.library]
        assert entry.load() is instrumentor
        assert entry.load()() is instrumentor
        assert all(" >= " in each for each in instrumentor.instrumentation_dependencies())


def test_nothing_is_imported_because_of_us(load: Load) -> None:
    """The libraries are measured when the program imports them, not before."""
    genotel.instrument()
    assert loaded() == []


@each_case
def test_a_call_is_counted_once_and_gives_what_it_gave(observed: Observed, load: Load, case: Case) -> None:
    """The very objects that the library returns, whichever came first: the import or ``instrument()``."""
    subject = case.make(load)
    plain = called(case, subject, case.good)
    assert observed.started() == 0
    genotel.instrument()
    subject = case.make(load)
    given: list[Any] = []
    after = called(case, subject, case.good)
    given.append(after)
    assert type(after) is type(plain)
    assert repr(type(after)) == repr(type(plain))
    assert observed.outcomes() == {"ok": 1}
    assert observed.durations() == 1
    assert len(observed.spans) == 1


@each_case
def test_a_result_is_the_same_object(
    observed: Observed, load: Load, case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is copied or wrapped on its way."""
    result = object()
    owner = getattr(load(case.module), case.owner)
    monkeypatch.setattr(owner, case.name, lambda self, *args, **kwargs: result)
    genotel.instrument([case.library])
    assert called(case, case.make(load), case.good) is result
    assert observed.outcomes() == {"ok": 1}


@failing
def test_an_exception_is_the_same(observed: Observed, load: Load, case: Case) -> None:
    """Its type, text and innermost frame; it is counted as what it is, and its text is nowhere."""
    genotel.instrument()
    with pytest.raises(ValueError, match=r"fail|told to") as caught:
        called(case, case.make(load), case.bad or ((), {}))
    assert caught.value.__context__ is None
    assert "fixtures" in str(caught.traceback[-1].path)
    assert observed.outcomes() == {"error": 1}
    assert observed.spans[0].attributes["error.type"] == "ValueError"


@pytest.mark.parametrize("error", [KeyboardInterrupt, asyncio.CancelledError, SystemExit])
@each_case
def test_a_cancelled_call_is_counted_as_that(
    observed: Observed, load: Load, case: Case, error: type[BaseException], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C, cancellation and exits pass through."""

    def cancelled(self: Any, *args: Any, **kwargs: Any) -> Any:
        raise error

    monkeypatch.setattr(getattr(load(case.module), case.owner), case.name, cancelled)
    genotel.instrument()
    with pytest.raises(error):
        called(case, case.make(load), case.good)
    assert observed.outcomes() == {"cancelled": 1}


@each_case
def test_a_call_inside_of_another_is_counted_once(observed: Observed, load: Load, case: Case) -> None:
    """Libraries call themselves and each other; the user made one call."""
    genotel.instrument()
    subject = case.make(load)
    with library_call.LibraryCall(("o", "p", "around", None)):
        called(case, subject, case.good)
    assert observed.outcomes() == {"ok": 1}
    assert observed.outcomes("around") == {"ok": 1}


@pytest.mark.parametrize(
    "key", [EVERYTHING, LANGUAGE_MODELS, context._SUPPRESS_INSTRUMENTATION_KEY], ids=["plain", "models", "own"]
)
@each_case
def test_a_suppressed_call_is_not_counted(observed: Observed, load: Load, case: Case, key: str) -> None:
    """Who measures the call already says so by a key."""
    genotel.instrument()
    subject = case.make(load)
    token = context.attach(context.set_value(key, True))
    try:
        called(case, subject, case.good)
    finally:
        context.detach(token)
    assert observed.started() == 0


@each_case
def test_others_are_told_that_the_call_is_measured(
    observed: Observed, load: Load, case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another instrumentation below ours finds the key."""
    seen = []
    monkeypatch.setattr(
        getattr(load(case.module), case.owner),
        case.name,
        lambda self, *args, **kwargs: seen.append(context.get_value(LANGUAGE_MODELS)),
    )
    genotel.instrument()
    called(case, case.make(load), case.good)
    assert seen == [True]


@each_case
def test_uninstrument_puts_the_very_same_objects_back(load: Load, case: Case) -> None:
    """As if nothing had been; and it can be put on again."""
    owner = getattr(load(case.module), case.owner)
    case.make(load)
    before = {name: dict(vars(each)) for name, each in vars(load(case.module)).items() if isinstance(each, type)}
    for _ in range(2):
        genotel.instrument()
        genotel.instrument()
        case.make(load)
        assert vars(owner)[case.name] is not before[case.owner][case.name]
        genotel.uninstrument()
        for name, attributes in before.items():
            now = vars(getattr(load(case.module), name))
            assert all(now[key] is value for key, value in attributes.items() if not key.startswith("__weakref"))


@each_case
def test_a_signature_and_a_name_are_kept(load: Load, case: Case) -> None:
    """Tools and the libraries themselves read them."""
    owner = getattr(load(case.module), case.owner)
    case.make(load)
    plain = vars(owner)[case.name]
    genotel.instrument()
    case.make(load)
    function = vars(owner)[case.name]
    assert function is not plain
    assert inspect.signature(function) == inspect.signature(plain)
    assert (function.__name__, function.__qualname__, function.__doc__, function.__module__) == (
        plain.__name__,
        plain.__qualname__,
        plain.__doc__,
        plain.__module__,
    )


HOOKS = [(each.library, patch) for each in INSTRUMENTORS for patches in each._by_module.values() for patch in patches]


@pytest.mark.parametrize(
    ("library", "patch"), HOOKS, ids=[f"{library}-{patch.owner}.{patch.name}" for library, patch in HOOKS]
)
def test_every_hook_keeps_a_functions_face_and_gives_it_back(library: str, patch: Patch) -> None:
    """Whatever kind of function it is; what is inherited stays inherited, what was there before is there again."""

    class Base:
        """Define what is patched."""

        def method(self, a: int, b: str = "b", *rest: Any, c: float, d: None = None, **more: Any) -> str:
            """Say something."""
            raise NotImplementedError

        made = classmethod(method)
        plain = staticmethod(method)

    class Derived(Base):
        """Only inherit it."""

    before = dict(vars(Base))
    patches = Patches()
    for name in ("method", "made", "plain"):
        assert patches.wrap(Base, name, patch.wrap)
        after = vars(Base)[name]
        assert patches.wrap(Base, name, patch.wrap)
        assert vars(Base)[name] is after is not before[name]
        assert type(after) is type(before[name])
        assert not patches.wrap(Derived, name, patch.wrap)
        shown, was = getattr(after, "__func__", after), getattr(before[name], "__func__", before[name])
        assert inspect.signature(shown) == inspect.signature(was)
        assert shown.__wrapped__ is was
        for each in ("__name__", "__qualname__", "__doc__", "__module__", "__annotations__"):
            assert getattr(shown, each) == getattr(was, each)
    assert "method" not in vars(Derived)
    patches.unwrap_all()
    assert all(vars(Base)[name] is value for name, value in before.items() if not name.startswith("__"))
    assert len(patches) == 0


@each_case
def test_threads_are_counted_each(observed: Observed, load: Load, case: Case) -> None:
    """Calls in threads are calls of their own."""
    genotel.instrument()
    subject = case.make(load)
    threads = [threading.Thread(target=called, args=(case, subject, case.good)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert observed.outcomes() == {"ok": 8}


SEEN_ALWAYS = {"is_suppressed", "call_around", "Arguments", "quiet", "watch_memory"}


@pytest.mark.parametrize(
    ("owner", "name"),
    [
        (library_call, "is_suppressed"),
        (library_call, "call_around"),
        (library_call, "Arguments"),
        (library_call, "quiet"),
        (library_call, "watch_memory"),
        (library_call.Measured, "parameters"),
        (library_call.LibraryCall, "outputs"),
        (library_call.LibraryCall, "tokens"),
        (library_call.LibraryCall, "phase"),
        (library_call.LibraryCall, "chunks_took"),
        (library_call.LibraryCall, "step"),
        (IN_FORCE, "bound"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
@each_case
def test_a_fault_of_ours_changes_nothing(
    observed: Observed, load: Load, case: Case, owner: Any, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Result and exception are the user's; the fault is counted where it is met."""

    class BrokenError(Exception):
        """Be our fault."""

    def broken(*_: Any, **__: Any) -> Any:
        raise BrokenError

    genotel.instrument()
    subject = case.make(load)
    with lenient(), monkeypatch.context() as patch:
        patch.setattr(owner, name, broken)
        assert called(case, subject, case.good) is not broken
        if case.bad is not None:
            with pytest.raises(ValueError, match=r"fail|told to"):
                called(case, subject, case.bad)
    if case.library != "onnxruntime" and name in SEEN_ALWAYS:
        assert guard.internal_errors()
    assert observed.active() == 0
