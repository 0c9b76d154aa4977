"""``watch_database()``: one call for what the engine does and what its server says."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.ext.asyncio import create_async_engine

import genotel
from genotel import database_watch, guard, startup
from genotel.exposition.text_format import TEXT_0_0_4
from tests.observed import lenient

SERVER = "postgresql+psycopg://nobody@127.0.0.1:1/shop"


@pytest.fixture(autouse=True)
def nothing_watched(monkeypatch: pytest.MonkeyPatch) -> None:
    """Begin each test without the collector of the one before."""
    monkeypatch.setattr(database_watch, "_collector", None)
    monkeypatch.setattr(startup, "_added", [])


@pytest.fixture
def handle() -> Iterator[startup.Handle]:
    """Measure this process, without a server."""
    with genotel.configure(page=False) as handle:
        yield handle


def catalogues() -> list[str]:
    """Return the names of the databases whose catalogue is read."""
    return [] if database_watch._collector is None else [*database_watch._collector._catalogues]


def test_a_query_is_on_the_page(handle: startup.Handle) -> None:
    """Without a word about OpenTelemetry."""
    engine = create_engine("sqlite://")
    with genotel.watch_database(engine, "notes"), engine.connect() as connection:
        connection.execute(text("SELECT 1"))
        page = handle.page.render(TEXT_0_0_4).decode()
    assert 'genotel_database_operations_total{db_namespace="notes",db_operation_name="SELECT"' in page
    assert catalogues() == []


def test_a_catalogue_is_read_where_there_is_one() -> None:
    """Of PostgreSQL, by a synchronous driver, unless it is not wanted."""
    synchronous, other = create_engine(SERVER), create_engine(SERVER)
    asynchronous = create_async_engine(SERVER.replace("psycopg", "psycopg_async"))
    with (
        genotel.watch_database(synchronous),
        genotel.watch_database(asynchronous),
        genotel.watch_database(other, catalogue=False),
        genotel.watch_database(create_engine(SERVER.replace("shop", "bank"))),
    ):
        assert catalogues() == ["shop", "bank"]
    assert catalogues() == []


def test_a_watch_may_come_before_the_page() -> None:
    """Programs make their engine when they are imported."""
    engine = create_engine(SERVER)
    with genotel.watch_database(engine), genotel.configure(page=False) as handle:
        page = handle.page.render(TEXT_0_0_4).decode()
    assert 'genotel_collector_success{genotel_collector="database",otel_scope_name="genotel"} 0' in page


def test_the_interval_is_a_setting() -> None:
    """Of the genotel.toml that ``configure()`` reads, too."""
    with open("genotel.toml", "w", encoding="utf-8") as file:
        file.write("[database]\ndatabase_interval_seconds = 60\n")
    with genotel.watch_database(create_engine(SERVER)):
        assert database_watch._collector is not None
        assert database_watch._collector._interval == 60


def test_an_engine_that_is_gone_is_not_asked_about() -> None:
    """Its server's series end, too."""
    genotel.watch_database(create_engine(SERVER))
    gc.collect()
    assert catalogues() == []
    with pytest.raises(ReferenceError):
        database_watch._own_connection(lambda: None)  # type: ignore[arg-type]


def test_more_engines_than_anybody_looks_at_are_not_watched(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """One for each customer, say: one warning, and the program goes on."""
    monkeypatch.setattr("genotel.instrumentation.database.MAX_DATABASES", 0)
    for _ in range(2):
        with genotel.watch_database(create_engine(SERVER)) as watched:
            assert watched.name == ""
    assert [record.getMessage() for record in caplog.records] == ["genotel: 0 databases are watched; no more are"]


def test_what_is_no_engine_does_no_harm() -> None:
    """One warning; the program goes on."""
    with lenient(), genotel.watch_database("sqlite://") as watched:
        assert watched.name == ""
    assert guard.internal_errors() == {"database.watch": 1}
