"""Names of metrics and attributes are written once, in semconv; queries once, in promql.

So that a name is changed in one place or nowhere.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from genotel.semconv import attributes
from genotel.semconv.metrics import CATALOGUE
from genotel.semconv.spec import label_name
from tests.architecture.sources import PACKAGE, SOURCES, module_of, name_of, strings_of, tree_of

MODULES = frozenset(module_of(path) for path in SOURCES)

# Strings that look like a name of ours and are something else: (file, string, what it is).
NO_NAMES: tuple[tuple[str, str, str], ...] = (
    ("settings/loading.py", "genotel.toml", "the configuration file"),
    ("instrumentation/context.py", "genotel_tags", "a ContextVar says its name in a debugger"),
    ("instrumentation/generation.py", "genotel_running", "as above"),
)

KEYS = frozenset(
    value for name, value in vars(attributes).items() if name.isupper() and isinstance(value, str) and "." in value
)
METRICS = frozenset(spec.name for spec in CATALOGUE)
# What a page or a query calls them. Labels such as error_type are ordinary words of Python too, so only
# those that carry a namespace of ours are looked for.
PROMETHEUS = frozenset(
    {spec.family for spec in CATALOGUE}
    | {spec.prometheus_name for spec in CATALOGUE}
    | {label_name(key) for key in KEYS if key.startswith(("gen_ai.", "genotel.", "otel.scope."))}
)
NAMESPACES = re.compile(
    r"(gen_ai|genotel|hw)[._][a-z]|(system|process)\.(cpu|memory|paging|filesystem|disk|network|unix)\."
)
WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_.]*[A-Za-z0-9_]")
PROMQL = re.compile(
    r"\b(rate|irate|increase|histogram_quantile|label_replace|[a-z]+_over_time|topk|predict_linear)\s*\("
    r"|\b(sum|avg|max|min|count)\s+(by|without)\s*\("
    r"|\[\d+[smhdw](:\d*[smhdw]?)?\]"
)


def names_in(text: str) -> list[str]:
    """Return the words of ``text`` that name a metric or an attribute, in either spelling."""
    return [
        word
        for word in WORD.findall(text)
        if (word in KEYS or word in METRICS or word in PROMETHEUS or NAMESPACES.match(word)) and not _is_module(word)
    ]


def _is_module(word: str) -> bool:
    # "genotel.cli.main" or a name inside of it, "genotel.cli.main.run", as a table of lazy imports has.
    return word in MODULES or word.rpartition(".")[0] in MODULES - {"genotel"}


@pytest.mark.parametrize("path", [path for path in SOURCES if "semconv" not in path.parts], ids=name_of)
def test_names_are_literals_only_in_semconv(path: Path) -> None:
    """Everywhere else a metric or an attribute is a constant."""
    allowed = {string for file, string, _ in NO_NAMES if file == name_of(path)}
    found = [
        f"{name_of(path)}:{line}: {name}"
        for line, text in strings_of(tree_of(path))
        for name in names_in(text)
        if name not in allowed
    ]
    assert found == []


@pytest.mark.parametrize("path", [path for path in SOURCES if "promql" not in path.parts], ids=name_of)
def test_queries_are_written_only_in_promql(path: Path) -> None:
    """History, dashboards and rules ask the same questions in the same words."""
    found = [f"{name_of(path)}:{line}: {text}" for line, text in strings_of(tree_of(path)) if PROMQL.search(text)]
    assert found == []


@pytest.mark.parametrize(("file", "string", "reason"), NO_NAMES)
def test_every_exception_is_still_needed(file: str, string: str, reason: str) -> None:
    """An excuse that no longer applies is taken out."""
    assert reason
    assert any(string in names_in(text) for _, text in strings_of(tree_of(PACKAGE / file)))


@pytest.mark.parametrize(
    "text",
    [
        "gen_ai.request.model",
        "gen_ai_request_model",
        "genotel.never.heard.of",
        "genotel_generation_requests_total",
        "hw.gpu.utilization",
        "system.cpu.time",
        "error.type",
        'up * on (instance) genotel_model_resident{gen_ai_request_model="x"}',
    ],
)
def test_a_name_is_recognized_in_either_spelling(text: str) -> None:
    """The check sees what it is for."""
    assert names_in(text)


@pytest.mark.parametrize(
    "text", ["genotel", "genotel.cli.main", "genotel.cli.main.run", "system", "process", "error_type"]
)
def test_ordinary_words_are_none(text: str) -> None:
    """Logger names, module paths and plain words are not names of metrics."""
    assert names_in(text) == []


@pytest.mark.parametrize("text", ["rate(x[5m])", "sum by (job) (up)", "increase(", "max_over_time(x[1h:5m])", "x[7d]"])
def test_a_query_is_recognized(text: str) -> None:
    """The check sees what it is for."""
    assert PROMQL.search(text)
