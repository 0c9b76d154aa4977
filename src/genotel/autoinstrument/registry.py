"""The table of instrumented libraries: the one place that knows them all."""

from __future__ import annotations

from collections.abc import Iterable

from genotel.autoinstrument import diffusers, llama_cpp, onnxruntime, sentence_transformers, transformers, vllm
from genotel.autoinstrument.instrumentor import LibraryInstrumentor
from genotel.errors import SettingsError

# One visible line per library; pyproject.toml has an entry point for each.
INSTRUMENTORS: tuple[LibraryInstrumentor, ...] = (
    diffusers.INSTRUMENTOR,
    transformers.INSTRUMENTOR,
    sentence_transformers.INSTRUMENTOR,
    onnxruntime.INSTRUMENTOR,
    llama_cpp.INSTRUMENTOR,
    vllm.INSTRUMENTOR,
)


def instrument(libraries: Iterable[str] | None = None) -> None:
    """Measure the libraries that this program uses: those that it has imported and those that it will.

    Nothing is imported for it, and nothing is patched before the program imports it.

    Args:
        libraries: names of libraries, such as ``diffusers``; by default all that genotel knows.

    Raises:
        SettingsError: a name is unknown; nothing was instrumented.

    Example:
        >>> instrument()
        >>> uninstrument()
    """
    for instrumentor in _chosen(libraries):
        instrumentor.instrument()


def uninstrument(libraries: Iterable[str] | None = None) -> None:
    """Put back every function of the libraries as it was before :func:`instrument`, the very same objects.

    Args:
        libraries: names of libraries; by default all.

    Raises:
        SettingsError: a name is unknown; nothing was changed.
    """
    for instrumentor in _chosen(libraries):
        instrumentor.uninstrument()


def _chosen(libraries: Iterable[str] | None) -> list[LibraryInstrumentor]:
    known = {each.library: each for each in INSTRUMENTORS}
    if libraries is None:
        return [*known.values()]
    wanted = [libraries] if isinstance(libraries, str) else [*libraries]
    unknown = sorted({*wanted} - {*known})
    if unknown:
        raise SettingsError(f"no library named {', '.join(unknown)}; known are {', '.join(known)}")
    return [known[name] for name in wanted]
