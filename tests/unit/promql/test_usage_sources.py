"""Whoever counts calls is read in the same way: ours, other servers', and what a user wrote down."""

from __future__ import annotations

import pytest

from genotel.errors import SettingsError
from genotel.promql import usage_queries
from genotel.promql.catalog import Dialect
from genotel.promql.expression import Selector
from genotel.promql.usage_sources import OURS, SOURCES, CallCounter, WindowQuery, foreign_source, own_source
from genotel.promql.usage_sources import sources_named as named
from genotel.semconv.foreign_servers import LLAMA_CPP, OTEL_CLIENT, TGI, TRITON, VLLM


def test_ours_tell_their_outcome_by_a_label() -> None:
    """The counter of record, and nobody else's of that name."""
    (counter,) = OURS.counters
    assert str(counter.selector) == 'genotel_generation_requests_total{otel_scope_name="genotel"}'
    assert counter.created.name == "genotel_generation_requests_created"
    assert counter.outcome({"genotel_outcome": "cancelled"}) == "cancelled"
    assert counter.outcome({}) == ""


def test_counters_of_one_name_are_asked_for_once() -> None:
    """vLLM tells three outcomes by a label, Triton two by names and a label."""
    (vllm,) = foreign_source(VLLM).counters
    assert vllm.labels == ("model_name", "finished_reason")
    reasons = ("stop", "length", "abort", "error", "repetition")
    assert [vllm.outcome({"finished_reason": reason}) for reason in reasons] == ["ok", "ok", "cancelled", "error", "ok"]
    success, failure = foreign_source(TRITON).counters
    assert success.outcome({}) == "ok"
    assert failure.outcome({"reason": "CANCELED"}) == "cancelled"
    assert failure.outcome({"reason": "BACKEND"}) == failure.outcome({}) == "error"


def test_what_all_counters_of_a_name_share_chooses_the_series() -> None:
    """Calls of agents and our own are left out by the query."""
    (client,) = foreign_source(OTEL_CLIENT).counters
    assert 'otel_scope_name!="genotel"' in str(client.selector)
    assert "error_type" not in str(client.selector)
    assert client.outcome({"error_type": "TimeoutError"}) == "error"
    assert client.outcome({}) == "ok"
    assert client.created.name == "gen_ai_client_operation_duration_seconds_created"


def test_a_series_that_fits_no_outcome_is_not_counted() -> None:
    """It is somebody else's."""
    counter = CallCounter(Selector("x_total"), "model", (((("code", "=~", "2.."),), "ok"),))
    assert counter.outcome({"code": "404"}) is None


def test_a_server_without_a_model_has_its_job() -> None:
    """The label of the scrape."""
    assert foreign_source(TGI).counters[0].labels == ("job",)
    query = usage_queries.calls_in(foreign_source(TGI).counters[0], 60, dialect=Dialect.PROMQL)
    assert query.startswith("sum by (job, instance) (")


def test_tokens_stand_for_calls_where_nothing_counts_calls() -> None:
    """Scrapes with more of them, and at least one where the window has more than the one before."""
    (counter,) = foreign_source(LLAMA_CPP).counters
    query = usage_queries.calls_in(counter, 3600, dialect=Dialect.PROMQL)
    assert "(changes(llamacpp:tokens_predicted_total[1h]) > 0) or ((" in query
    assert query.endswith("> bool 0)) > 0")


@pytest.mark.parametrize(
    ("text", "name", "matchers"),
    [
        ("my_total", "my_total", ()),
        (" my:total {} ", "my:total", ()),
        ('my_total{env="prod"}', "my_total", (("env", "=", "prod"),)),
        ('my_total{ env!="a\\"b" , code =~ "5..",}', "my_total", (("env", "!=", 'a"b'), ("code", "=~", "5.."))),
        ('my_total{path!~"c\\\\d\\n"}', "my_total", (("path", "!~", "c\\d\n"),)),
    ],
)
def test_a_metric_of_the_user_is_a_selector(text: str, name: str, matchers: tuple[tuple[str, str, str], ...]) -> None:
    """With its matchers, as Prometheus reads them."""
    (counter,) = own_source(text, None, None, None, "model").counters
    assert counter.selector == Selector(name, matchers)
    assert counter.outcome({}) == ""


@pytest.mark.parametrize("text", ["", "5x", "a b", "x{a}", "x{a=1}", 'x{a="1"', 'x{a="1" b="2"}', "rate(x[5m])"])
def test_what_is_no_metric_names_its_key(text: str) -> None:
    """And says what would be one."""
    with pytest.raises(SettingsError, match=r"^\[sources\] failures: .* is no metric such as .* nor a query with"):
        own_source("x", text, None, None, "model")
    with pytest.raises(
        SettingsError, match=r"^\[sources\] loads: .* is no metric such as 'my_metric\{env=\"prod\"\}'$"
    ):
        own_source("x", None, None, text, "model")


def test_a_user_may_count_by_a_query_and_name_failures_and_times() -> None:
    """Failures are part of the calls."""
    own = own_source("increase(x_total[$window])", 'x_total{code="500"}', "x_seconds", "y_seconds", "which")
    assert own.queries == (WindowQuery("increase(x_total[$window])", "which"),)
    assert [counter.is_part for counter in own.counters] == [True]
    assert own.counters[0].outcome({}) == WindowQuery("x", "m", is_part=True).outcome({}) == "error"
    assert str(own.durations[0].seconds) == "x_seconds_sum"
    assert str(own.loads[0].count) == "y_seconds_count"
    assert usage_queries.counted(own.queries[0], 90) == "increase(x_total[90s])"
    assert usage_queries.models_answered(own.queries[0], 3600) == "count by (which) (increase(x_total[1h]))"


def test_sources_are_believed_in_a_fixed_order() -> None:
    """Ours, the user's own, then those of the table; names choose among them."""
    own = own_source("x_total", None, None, None, "model")
    assert [source.name for source in named((), own)][:3] == ["genotel", "own", "vllm"]
    assert named(()) == SOURCES
    assert [source.name for source in named(["triton", "genotel"])] == ["genotel", "triton"]
    with pytest.raises(SettingsError, match="unknown source 'own'; the sources of usage are genotel, vllm, "):
        named(["own"])


def test_every_query_names_its_metric_once_chosen() -> None:
    """Models are chosen by a matcher more; a day and an hour are windows."""
    counter = OURS.counters[0]
    chosen = usage_queries.calls_held(counter, 3600, ("gen_ai_request_model", "=~", "a|b"))
    assert chosen.endswith('{otel_scope_name="genotel",gen_ai_request_model=~"a|b"}[1h])')
    assert usage_queries.most_held(counter, 86_400).startswith("max_over_time(genotel_generation_requests_total{")
    assert usage_queries.series_there(counter, 3600).startswith("count(last_over_time(")
    assert "resets(" in usage_queries.beginnings(counter, 3900)
