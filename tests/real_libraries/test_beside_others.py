"""Beside the instrumentations of others, the real ones: nothing is counted twice, and keys work both ways.

OpenLLMetry's instrumentor of transformers looks at both keys; OpenLIT's (1.45) looks at none and sets none,
so with it only our own side can be held.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from opentelemetry import context

from genotel.autoinstrument.suppression import LANGUAGE_MODELS
from tests.observed import Observed
from tests.real_libraries.conftest import require_library

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture
def text():
    """Return a ``pipeline()`` that writes."""
    require_library("transformers")
    from transformers import pipeline

    from tests.real_libraries import tiny_models

    return pipeline("text-generation", model=tiny_models.llama(), tokenizer=tiny_models.tokenizer())


def written(text):
    """Call it."""
    return text("a cat walks", max_new_tokens=4, do_sample=False)


@pytest.fixture
def openllmetry(observed: Observed) -> Iterator[None]:
    """Let OpenLLMetry instrument transformers too."""
    require_library("transformers", "opentelemetry.instrumentation.transformers")
    from opentelemetry.instrumentation.transformers import TransformersInstrumentor

    TransformersInstrumentor().instrument(tracer_provider=observed.tracer_provider)
    yield
    TransformersInstrumentor().uninstrument()


@pytest.fixture
def openlit(observed: Observed, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let OpenLIT instrument transformers too."""
    require_library("transformers", "openlit")
    import transformers
    from openlit._config import OpenlitConfig
    from openlit.instrumentation.transformers import TransformersInstrumentor
    from opentelemetry import trace

    # Its own uninstrument() does nothing.
    before = transformers.TextGenerationPipeline.__call__
    OpenlitConfig()
    monkeypatch.setattr(trace, "get_tracer", observed.tracer_provider.get_tracer)
    made = TransformersInstrumentor()
    made.instrument(disable_metrics=True, capture_message_content=False, pricing_info={}, skip_dep_check=True)
    yield
    transformers.TextGenerationPipeline.__call__ = before
    made._is_instrumented_by_opentelemetry = False


def ours(observed: Observed):
    """Return our spans."""
    return [span for span in observed.spans if span.instrumentation_scope.name == "genotel"]


def theirs(observed: Observed):
    """Return the spans of others."""
    return [span for span in observed.spans if span.instrumentation_scope.name != "genotel"]


@pytest.mark.parametrize("other", ["openllmetry", "openlit"])
def test_a_call_is_one_of_ours_below_one_of_theirs(
    observed: Observed, measured: None, other: str, request: pytest.FixtureRequest, text
) -> None:
    """Both see the call, each once; ours hangs below."""
    request.getfixturevalue(other)
    assert "generated_text" in written(text)[0]
    assert observed.outcomes() == {"ok": 1}
    assert observed.durations() == 1
    (mine,), (other_span,) = ours(observed), theirs(observed)
    assert mine.parent.span_id == other_span.context.span_id


def test_their_key_quiets_both(observed: Observed, measured: None, openllmetry: None, text) -> None:
    """The very key of their package."""
    from opentelemetry.semconv_ai import SUPPRESS_LANGUAGE_MODEL_INSTRUMENTATION_KEY

    assert SUPPRESS_LANGUAGE_MODEL_INSTRUMENTATION_KEY == LANGUAGE_MODELS
    token = context.attach(context.set_value(SUPPRESS_LANGUAGE_MODEL_INSTRUMENTATION_KEY, True))
    try:
        written(text)
    finally:
        context.detach(token)
    assert observed.started() == 0
    assert observed.spans == []


def test_opentelemetrys_own_switch_quiets_both(observed: Observed, measured: None, openllmetry: None, text) -> None:
    """As ``suppress_instrumentation()`` of OpenTelemetry's package sets it."""
    from opentelemetry.instrumentation.utils import suppress_instrumentation

    with suppress_instrumentation():
        written(text)
    assert observed.started() == 0
    assert observed.spans == []


def test_ours_quiets_theirs(observed: Observed, measured: None, openllmetry: None, text) -> None:
    """A pipeline of pictures that first writes its prompt is one call: theirs, below it, is told so."""
    require_library("diffusers")
    from diffusers import DiffusionPipeline

    from tests.real_libraries import tiny_models

    class Enhancing(DiffusionPipeline):
        def __init__(self, unet, scheduler):
            super().__init__()
            self.register_modules(unet=unet, scheduler=scheduler)

        def __call__(self):
            return written(text)

    one = tiny_models.unconditional()
    Enhancing(one.unet, one.scheduler)()
    assert observed.outcomes() == {"ok": 1}
    assert observed.outcomes("Enhancing") == {"ok": 1}
    assert theirs(observed) == []


def test_inside_of_an_official_invocation(observed: Observed, measured: None, text) -> None:
    """OpenTelemetry's own helper for GenAI measures what is around; ours is the call that ran here, once."""
    require_library("opentelemetry.util.genai")
    from opentelemetry.util.genai.handler import TelemetryHandler

    handler = TelemetryHandler(tracer_provider=observed.tracer_provider)
    with handler.inference("self_hosted", request_model="tiny"):
        written(text)
    assert observed.outcomes() == {"ok": 1}
    (mine,), (around,) = ours(observed), theirs(observed)
    assert mine.parent.span_id == around.context.span_id


def test_a_thread_of_a_suppressed_call_is_suppressed(observed: Observed, measured: None, text) -> None:
    """The official instrumentor of threads hands the context on, with its keys; without it a thread counts."""
    require_library("opentelemetry.instrumentation.threading")
    from opentelemetry.instrumentation.threading import ThreadingInstrumentor

    def in_a_thread():
        token = context.attach(context.set_value(LANGUAGE_MODELS, True))
        try:
            thread = threading.Thread(target=written, args=(text,))
            thread.start()
            thread.join()
        finally:
            context.detach(token)

    in_a_thread()
    assert observed.started() == 1
    ThreadingInstrumentor().instrument()
    try:
        in_a_thread()
    finally:
        ThreadingInstrumentor().uninstrument()
    assert observed.started() == 1
