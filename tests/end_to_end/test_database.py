"""A real PostgreSQL: what a program's engine does and what the server says are on one page."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

import pytest
from sqlalchemy import Engine, create_engine, event, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

import genotel
from genotel import database_watch
from genotel.collectors.collector import IncompleteError, Reading
from genotel.collectors.database import DatabaseCollector
from genotel.collectors.postgresql import PostgresqlCatalogue
from genotel.exposition.page import Page
from genotel.exposition.text_format import TEXT_0_0_4
from genotel.instrumentation import database_totals
from genotel.semconv import database_metrics as m
from tests.pages import Series, series_of
from tests.postgres import postgres
from tests.servers import wait_for

pytestmark = pytest.mark.real_servers


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """Run a server for the tests of this file."""
    with postgres() as url:
        yield url


@pytest.fixture
def engine(url: str) -> Iterator[Engine]:
    """Connect to the server; nothing of a test is left in it."""
    engine = create_engine(url, pool_size=2, max_overflow=1)
    yield engine
    with engine.begin() as connection:
        connection.execute(text("DROP TABLE IF EXISTS pictures"))
    engine.dispose()


@pytest.fixture
def page(monkeypatch: pytest.MonkeyPatch) -> Iterator[Page]:
    """Measure this process on a page of its own; what is watched in a test ends with it."""
    monkeypatch.setattr(database_watch, "_collector", None)
    monkeypatch.setattr("genotel.startup._added", [])
    with genotel.configure(page=False) as handle:
        yield handle.page


def shown(page: Page) -> Series:
    """Return the series of a page."""
    return series_of(page.render(TEXT_0_0_4).decode())


def values(page: Page, name: str, **labels: str) -> list[float]:
    """Return the values on a page of the series with these labels, and maybe others."""
    wanted = set(labels.items())
    return [value for (found, has), value in shown(page).items() if found == name and wanted <= has]


def collected(collector: DatabaseCollector) -> list[Reading]:
    """Return what a collector has, complete or not."""
    readings: list[Reading] = []
    with suppress(IncompleteError):
        readings.extend(collector.collect())
    return readings


def catalogue_of(engine: Engine) -> PostgresqlCatalogue:
    """Return the reader of the catalogue behind an engine."""
    return PostgresqlCatalogue("app", lambda: engine.raw_connection())


def by_labels(readings: list[Reading], name: str) -> dict[tuple[str, ...], float]:
    """Return the readings of one metric without the database's name."""
    return {labels[1:]: value for spec, labels, value in readings if spec.name == name}


def test_operations_and_catalogue_are_on_the_page(page: Page, engine: Engine) -> None:
    """What was executed is counted and timed; the server's own figures come with them."""
    with genotel.watch_database(engine, "app"):
        with engine.begin() as connection:
            connection.execute(text("CREATE TABLE pictures (id int PRIMARY KEY, prompt text)"))
            connection.execute(text("INSERT INTO pictures SELECT n, 'x' FROM generate_series(1, 1000) n"))
        with engine.connect() as connection:
            assert connection.execute(text("SELECT count(*) FROM pictures")).scalar_one() == 1000
            with pytest.raises(OperationalError, match="statement timeout"):
                connection.execute(text("SET statement_timeout = 1; SELECT pg_sleep(1)"))
        of = {"db_namespace": "app", "db_system_name": "postgresql"}
        counted = "genotel_database_operations_total"
        assert values(page, counted, db_operation_name="SELECT", genotel_outcome="ok", **of) == [1]
        assert values(page, counted, db_operation_name="INSERT", genotel_outcome="ok", **of) == [1]
        assert values(page, counted, db_operation_name="DELETE", genotel_outcome="ok", **of) == [0]
        assert values(page, counted, db_operation_name="SET", genotel_outcome="error", **of) == [1]
        timed = "db_client_operation_duration_seconds_count"
        assert values(page, timed, error_type="OperationalError", **of) == [1]
        pool = {"db_client_connection_pool_name": "app"}
        assert values(page, "db_client_connection_max", **pool) == [3]
        assert values(page, "db_client_connection_count", db_client_connection_state="idle", **pool) == [1]
        success = "genotel_collector_success"
        # A busy machine may answer too late for the first page; then it is on the next.
        assert wait_for("the catalogue", lambda: values(page, success, genotel_collector="database") == [1])
        assert values(page, "genotel_database_connection_limit", db_namespace="app") == [20]
        assert values(page, "genotel_database_size_bytes", db_namespace="app")[0] > 1_000_000
        assert "prompt" not in str(shown(page))
        assert "pg_sleep" not in str(shown(page))
    # Closed: its series end.
    assert values(page, "genotel_database_connection_limit") == []
    assert values(page, counted) == []


async def test_an_asynchronous_engine_is_watched(page: Page, url: str) -> None:
    """Its operations and its pool, though it has no catalogue."""
    engine = create_async_engine(url.replace("psycopg", "psycopg_async"))
    with genotel.watch_database(engine, "async"):
        async with engine.connect() as connection:
            assert (await connection.execute(text("SELECT 1"))).scalar_one() == 1
            used = {"db_client_connection_pool_name": "async", "db_client_connection_state": "used"}
            assert values(page, "db_client_connection_count", **used) == [1]
        await engine.dispose()
        of = {"db_namespace": "async", "db_operation_name": "SELECT"}
        assert values(page, "genotel_database_operations_total", genotel_outcome="ok", **of) == [1]
        assert values(page, "genotel_database_connection_limit") == []


def test_waiting_locks_are_seen(engine: Engine) -> None:
    """One that a row is waited for is of the other transaction, which belongs to no database."""
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE pictures (id int PRIMARY KEY)"))
        connection.execute(text("INSERT INTO pictures VALUES (1)"))
    catalogue = catalogue_of(create_engine(engine.url, poolclass=NullPool))

    def locks(state: str) -> float:
        found = by_labels(catalogue.read()[0], m.LOCKS.name)
        return sum(count for (_, of), count in found.items() if of == state)

    assert locks("waiting") == 0
    from threading import Thread

    def update() -> None:
        with engine.begin() as connection:
            connection.execute(text("UPDATE pictures SET id = 1"))

    with engine.begin() as first:
        first.execute(text("UPDATE pictures SET id = 1"))
        second = Thread(target=update)
        second.start()
        assert wait_for("a waiting lock", lambda: locks("waiting") == 1)
        assert locks("granted") > 0
    second.join(10)


def test_tables_tell_scans_and_dead_rows(engine: Engine) -> None:
    """By index, of the whole table, and what an update left behind; the largest table comes first."""
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE pictures (id int PRIMARY KEY) WITH (autovacuum_enabled = off)"))
        connection.execute(text("INSERT INTO pictures SELECT generate_series(1, 1000)"))
    with engine.begin() as connection:
        connection.execute(text("SET enable_seqscan = off"))
        connection.execute(text("SELECT * FROM pictures WHERE id = 7"))
        connection.execute(text("UPDATE pictures SET id = id + 10000 WHERE id <= 10"))
    engine.dispose()
    catalogue = catalogue_of(create_engine(engine.url, poolclass=NullPool))

    def figures() -> bool:
        readings, complete = catalogue.read()
        assert complete
        rows, scans = by_labels(readings, m.TABLE_ROWS.name), by_labels(readings, m.TABLE_SCANS.name)
        table = "public.pictures"
        return rows.get((table, "dead")) == 10 and scans[table, "index"] >= 2

    assert wait_for("the server's statistics", figures)


def test_nothing_of_ours_stays_and_everything_is_read_only(url: str) -> None:
    """The connection ends with each reading; it could not write, and waits for nothing."""
    engine = create_engine(url)
    seen: list[dict[str, str]] = []

    @event.listens_for(engine, "checkin")
    def look(connection: object, record: object) -> None:
        with connection.cursor() as cursor:  # type: ignore[attr-defined]
            cursor.execute("SELECT name, setting FROM pg_settings")
            seen.append(dict(cursor.fetchall()))

    with genotel.configure(page=False), genotel.watch_database(engine, "app"):
        kept = database_watch._collector
        assert kept is not None
        assert wait_for("the catalogue", lambda: collected(kept))
        # Within a transaction the view would not change.
        watching = create_engine(url, poolclass=NullPool, isolation_level="AUTOCOMMIT")
        with watching.connect() as connection:
            ours = text("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'genotel'")
            assert wait_for("no connection", lambda: connection.execute(ours).scalar_one() == 0)
    engine.dispose()
    assert seen == []
    catalogue = PostgresqlCatalogue("app", engine.raw_connection)
    catalogue.read()
    (settings,) = seen
    assert settings["default_transaction_read_only"] == "on"
    assert settings["statement_timeout"] == settings["lock_timeout"] == "300"
    engine.dispose()


def test_a_server_that_ends_takes_only_its_own_series(page: Page) -> None:
    """The program goes on, the page too, and success says it."""
    with postgres() as url:
        engine = create_engine(url)
        watched = genotel.watch_database(engine, "gone")
        limit = "genotel_database_connection_limit"
        assert wait_for("the catalogue", lambda: values(page, limit, db_namespace="gone") == [20])
    kept = database_watch._collector
    assert kept is not None
    for each in kept._catalogues.values():
        each.asked_at = None
    assert values(page, "genotel_database_connection_limit") == []
    assert values(page, "genotel_collector_success", genotel_collector="database") == [0]
    assert values(page, "genotel_database_operations_total", db_namespace="gone", db_operation_name="SELECT") == [0, 0]
    watched.close()
    assert [totals.name for totals in database_totals.watched() if totals.name == "gone"] == []
