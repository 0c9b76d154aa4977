"""Nothing of what users write, give or get leaves a program: secrets are planted and looked for."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import genotel
from genotel.instrumentation.sink import OUT, set_sink
from genotel.journal.reader import JournalReader
from genotel.journal.writer import JournalWriter
from tests.observed import Observed, lenient, observing

SECRET = "hunter2-geheim"
PATH = f"/home/{SECRET}/models/sdxl.safetensors"


class SecretError(Exception):
    """Carry a secret in every place that an exception has."""

    def __init__(self) -> None:
        super().__init__(SECRET, {"prompt": SECRET})
        self.prompt = SECRET
        self.add_note(SECRET)


def fail() -> None:
    """Raise it, out of another one."""
    try:
        raise ValueError(SECRET)
    except ValueError as error:
        raise SecretError from error


def prompts() -> None:
    """Give a prompt, which the journal may hash, and contents that nobody asked for."""
    with genotel.generation("m", prompt=f"a cat, {SECRET}") as call:
        call.content(input=SECRET, output=[{"role": "assistant", "content": SECRET}])


def parameters() -> None:
    """Give texts, objects and odd names as parameters."""
    given: dict[str, Any] = {
        "prompt": SECRET,
        "negative_prompt": f"{SECRET}, blurry",
        "scheduler": f"draw my password {SECRET} in the sand",
        "resolution": SECRET,
        "image": Path(PATH),
        "messages": [{"role": "user", "content": SECRET}],
        f"{SECRET} as a name": 1,
        "steps": 3,
    }
    with genotel.generation("m", parameters=given) as call:
        call.parameters(**{name: value for name, value in given.items() if " " not in name})


def arguments() -> None:
    """Pass it in and get it back."""

    @genotel.measure(model="m")
    def generate(prompt: str, *, image: Path) -> str:
        return f"{prompt} {image}"

    assert SECRET in generate(SECRET, image=Path(PATH))


def methods() -> None:
    """Keep it in the object whose method is measured."""

    class Pipeline:
        def __init__(self) -> None:
            self.token = SECRET

        def __repr__(self) -> str:
            return SECRET

        @genotel.measure(model="m")
        def generate(self) -> str:
            return self.token

    assert Pipeline().generate() == SECRET


def exceptions() -> None:
    """Fail with it, in every shape."""

    @genotel.measure(model="m")
    def function() -> None:
        fail()

    @genotel.measure(model="m")
    def generator() -> Iterator[str]:
        yield SECRET
        fail()

    @genotel.measure(model="m")
    async def coroutine() -> None:
        fail()

    @genotel.measure(model="m")
    async def async_generator() -> AsyncIterator[str]:
        yield SECRET
        fail()

    async def drain() -> None:
        async for _ in async_generator():
            pass

    def group() -> None:
        with genotel.generation("m"):
            raise ExceptionGroup(SECRET, [SecretError(), MemoryError(SECRET)])

    def load() -> None:
        with genotel.model_load("m"):
            fail()

    for call in (
        function,
        lambda: [*generator()],
        lambda: asyncio.run(coroutine()),
        lambda: asyncio.run(drain()),
        load,
    ):
        with pytest.raises(SecretError):
            call()  # type: ignore[no-untyped-call]  # one of the above
    with pytest.raises(ExceptionGroup):
        group()


def streams() -> None:
    """Send it into a stream and get it out; throw it in; leave it in an abandoned one."""

    @genotel.measure(model="m")
    def echo() -> Any:
        said = SECRET
        while True:
            try:
                said = yield said
            except SecretError:
                said = SECRET

    chunks = echo()
    assert next(chunks) == chunks.send(SECRET) == chunks.throw(SecretError()) == SECRET
    del chunks


def files() -> None:
    """Name a model by where it lies."""
    with genotel.model_load(PATH, source=PATH), genotel.generation(PATH, output="image") as call:
        call.outputs()
    genotel.record_event(f"https://{SECRET}@hub/x/sdxl.safetensors?token={SECRET}", kind="download", source=PATH)
    genotel.model_unloaded(PATH)


def faults() -> None:
    """Break genotel itself with it: its own log line must not carry it either."""
    sink = OUT.sink
    assert sink is not None

    class Broken:
        """Raise it."""

        def __getattr__(self, name: str) -> Callable[..., None]:
            def broken(*_: object) -> None:
                raise OSError(2, SECRET, PATH)

            return broken

    with lenient():
        set_sink(Broken())  # type: ignore[arg-type]  # on purpose
        with genotel.generation("m", prompt=SECRET, parameters={"prompt": SECRET}):
            pass
        with genotel.generation("m") as call:
            call.score("clip", SECRET)  # type: ignore[arg-type]  # what a user may do
            call.outputs(SECRET)  # type: ignore[arg-type]  # as above
            call.tokens(input=SECRET)  # type: ignore[arg-type]  # as above
            call.step(SECRET)  # type: ignore[arg-type]  # as above
        genotel.record_event("m", kind="load")
        set_sink(sink)


PLACES = [prompts, parameters, arguments, methods, exceptions, streams, files, faults]


@pytest.mark.parametrize("plant", PLACES, ids=lambda plant: plant.__name__)
def test_a_planted_secret_is_nowhere(
    plant: Callable[[], None], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Not in spans, pages, exemplars, logs or the journal's files; though the calls are all there."""
    caplog.set_level(logging.DEBUG)
    writer = JournalWriter(tmp_path / "journal.db")
    observed: Observed
    with observing() as observed:
        set_sink(writer)
        plant()
        pages = [observed.text(), observed.openmetrics()]
        assert observed.started() == sum(observed.outcomes().values()) > 0
        assert " # {" in pages[1]
        assert writer.flush()
        open_files = {path: path.read_bytes() for path in tmp_path.iterdir()}
        set_sink(observed.sink)
    writer.close()
    spans = [span.to_json() + repr(span.events) + repr(span.status) for span in observed.spans]
    assert spans
    assert SECRET not in "".join(spans)
    assert SECRET not in "".join(pages)
    assert SECRET not in caplog.text
    for content in (*open_files.values(), *(path.read_bytes() for path in tmp_path.iterdir())):
        assert SECRET.encode() not in content
    assert open_files or plant is faults


def test_what_is_kept_of_a_prompt_tells_it_from_another(tmp_path: Path) -> None:
    """A hash with the journal's own key: two journals cannot be compared."""
    hashes = []
    for name in ("one.db", "two.db"):
        writer = JournalWriter(tmp_path / name)
        with observing():
            set_sink(writer)
            for prompt in (SECRET, SECRET, "another"):
                with genotel.generation("m", prompt=prompt):
                    pass
            set_sink(None)
        writer.close()
        with JournalReader(tmp_path / name) as reader:
            hashes.append([call.prompt_hash for call in reader.calls()])
    first, second = hashes
    assert first[0] == first[1] != first[2]
    assert first[0] != second[0]


def test_parameters_that_may_be_kept_are(tmp_path: Path) -> None:
    """Private does not mean empty."""
    with observing() as observed:
        parameters()
    assert observed.sink.finished[0].parameters == {"steps": 3}
