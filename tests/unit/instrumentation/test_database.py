"""An SQLAlchemy engine that is watched: operations, errors, its pool; by SQLite."""

from __future__ import annotations

import gc
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.exc import IntegrityError, OperationalError, TimeoutError
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from genotel import guard
from genotel.instrumentation import database_totals, instruments
from genotel.instrumentation.database import DatabaseWatch, watch_engine
from genotel.semconv import attributes as a
from genotel.semconv import database_metrics as m
from tests.observed import Observed


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    """Connect to a database in a file, by a pool of one connection and one more."""
    engine = create_engine(f"sqlite:///{tmp_path / 'secret.db'}", pool_size=1, max_overflow=1, pool_timeout=0.05)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE pictures (id INTEGER PRIMARY KEY)"))
    yield engine
    engine.dispose()


@pytest.fixture
def watch(observed: Observed, engine: Engine) -> Iterator[DatabaseWatch]:
    """Watch the engine during the test."""
    watch = watch_engine(engine)
    assert watch is not None
    with watch:
        yield watch


def counts(observed: Observed, spec: Any = m.OPERATIONS) -> dict[tuple[str, ...], float]:
    """Return the values of a metric by its labels, without the system and the database's name."""
    told = ("db_operation_name", "genotel_outcome", "db_client_connection_state")
    return {
        tuple(sample.labels[label] for label in told if label in sample.labels): sample.value
        for sample in observed.samples(spec.prometheus_name)
    }


def test_operations_are_counted_by_first_word_and_outcome(
    observed: Observed, watch: DatabaseWatch, engine: Engine
) -> None:
    """The usual ones from 0 on; a failed one has its class on the histogram only."""
    before = counts(observed)
    assert before == {(word, end): 0 for word in ("SELECT", "INSERT", "UPDATE", "DELETE") for end in ("ok", "error")}
    with engine.begin() as connection:
        connection.execute(text("INSERT INTO pictures VALUES (:id)"), [{"id": 1}, {"id": 2}])
        with pytest.raises(IntegrityError):
            connection.execute(text("INSERT INTO pictures VALUES (1)"))
        assert connection.execute(text("SELECT count(*) FROM pictures")).scalar_one() == 2
        connection.execute(text("PRAGMA user_version"))
    after = counts(observed)
    assert after["INSERT", "ok"] == after["INSERT", "error"] == after["SELECT", "ok"] == after["PRAGMA", "ok"] == 1
    assert after["PRAGMA", "error"] == after["SELECT", "error"] == 0
    timed = {
        (sample.labels["db_operation_name"], sample.labels.get("error_type")): sample.value
        for sample in observed.samples(m.OPERATION_DURATION.prometheus_name + "_count")
    }
    assert timed == {("INSERT", None): 1, ("INSERT", "IntegrityError"): 1, ("SELECT", None): 1, ("PRAGMA", None): 1}
    assert "pictures" not in observed.text()
    assert "secret" not in observed.text()
    assert 'db_namespace="sqlite"' in observed.text()


def test_the_pool_is_told_as_it_is(observed: Observed, watch: DatabaseWatch, engine: Engine) -> None:
    """In use, idle, kept, at most, beyond."""
    with engine.connect(), engine.connect():
        assert counts(observed, m.CONNECTION_COUNT) == {("idle",): 0, ("used",): 2}
        assert counts(observed, m.POOL_OVERFLOW) == {(): 1}
    assert counts(observed, m.CONNECTION_COUNT) == {("idle",): 1, ("used",): 0}
    assert counts(observed, m.POOL_OVERFLOW) == {(): 0}
    assert counts(observed, m.CONNECTION_IDLE_MAX) == {(): 1}
    assert counts(observed, m.CONNECTION_MAX) == {(): 2}


def test_waits_and_waits_in_vain_are_measured(observed: Observed, watch: DatabaseWatch, engine: Engine) -> None:
    """Somebody holds both connections."""
    asking = threading.Event()
    pool: Any = engine.pool
    with engine.connect(), engine.connect():
        waiting = threading.Thread(target=lambda: _fails_to_connect(engine, asking))
        waiting.start()
        asking.wait(10)
        waiting.join(10)
        assert counts(observed, m.CONNECTION_TIMEOUTS) == {(): 1}
    assert counts(observed, m.CONNECTION_PENDING) == {(): 0}
    (waits,) = observed.samples(m.CONNECTION_WAIT_TIME.prometheus_name + "_count")
    assert waits.value == 2
    assert pool is engine.pool


def _fails_to_connect(engine: Engine, asking: threading.Event) -> None:
    asking.set()
    with pytest.raises(TimeoutError):
        engine.connect()


def test_requests_that_wait_are_seen(observed: Observed, watch: DatabaseWatch, engine: Engine) -> None:
    """While one connects, by a creator that looks at itself."""
    seen = []
    engine.dispose()
    original = engine.dialect.connect

    def connect(*arguments: Any, **options: Any) -> Any:
        seen.append(counts(observed, m.CONNECTION_PENDING))
        return original(*arguments, **options)

    engine.dialect.connect = connect  # type: ignore[method-assign]
    with engine.connect():
        assert seen == [{(): 1}]


def test_a_pool_that_is_made_anew_is_timed_too(observed: Observed, watch: DatabaseWatch, engine: Engine) -> None:
    """``dispose()`` gives an engine another one; programs do so after a fork."""
    engine.dispose()
    with engine.connect():
        pass
    (waits,) = observed.samples(m.CONNECTION_WAIT_TIME.prometheus_name + "_count")
    assert waits.value == 1


def test_a_pool_that_counts_nothing_has_no_figures(observed: Observed) -> None:
    """Unknown is absent: every connection is opened anew, or belongs to a thread."""
    for engine in (create_engine("sqlite:///x.db", poolclass=NullPool), create_engine("sqlite://")):
        with watch_engine(engine):
            assert counts(observed, m.CONNECTION_COUNT) == {}
            assert counts(observed, m.CONNECTION_IDLE_MAX) == counts(observed, m.CONNECTION_MAX) == {}
            assert counts(observed, m.POOL_OVERFLOW) == {}
            assert counts(observed, m.CONNECTION_PENDING) == {(): 0}


def test_a_pool_without_a_limit_has_none(observed: Observed, tmp_path: Path) -> None:
    """``max_overflow=-1``."""
    engine = create_engine(f"sqlite:///{tmp_path / 'a.db'}", max_overflow=-1)
    with watch_engine(engine):
        assert counts(observed, m.CONNECTION_MAX) == {}
        assert counts(observed, m.CONNECTION_IDLE_MAX) == {(): 5}


def test_an_end_takes_everything_back(observed: Observed, engine: Engine) -> None:
    """No listener, no other method, no series."""
    with watch_engine(engine):
        assert "connect" in vars(engine.pool)
    assert "connect" not in vars(engine.pool)
    assert counts(observed) == {}
    with engine.connect() as connection:
        connection.execute(text("SELECT 1"))
    assert counts(observed) == {}
    # Twice is once, and another watch may follow.
    watch = watch_engine(engine)
    watch.close()
    watch.close()
    with watch_engine(engine):
        assert len(counts(observed)) == 8


def test_the_same_engine_is_watched_once(observed: Observed, watch: DatabaseWatch, engine: Engine) -> None:
    """Every call of a framework's factory may hand it over."""
    assert watch_engine(engine, "other") is watch
    with engine.connect() as connection:
        connection.execute(text("SELECT 1"))
    assert counts(observed)["SELECT", "ok"] == 1


def test_names_are_told_apart(observed: Observed, watch: DatabaseWatch) -> None:
    """Two series of one name would be one."""
    first, second = create_engine("sqlite://"), create_engine("sqlite://")
    assert [watch.name, watch_engine(first).name, watch_engine(second).name] == ["sqlite", "sqlite-2", "sqlite-3"]
    assert watch_engine(create_engine("postgresql+psycopg://u:secret@nowhere/shop")).name == "shop"
    assert watch_engine(create_engine("sqlite://"), "cache").name == "cache"


def test_an_engine_is_not_kept(observed: Observed) -> None:
    """Its series end with it."""
    watch_engine(create_engine("sqlite://"), "short")
    gc.collect()
    assert [totals.name for totals in database_totals.watched() if totals.name == "short"] == []


def test_an_ended_engine_may_be_closed(observed: Observed) -> None:
    """In any order."""
    watch = watch_engine(create_engine("sqlite://"))
    gc.collect()
    watch.close()


def test_an_asynchronous_engine_stands_for_the_one_inside(observed: Observed) -> None:
    """Its events are the inner one's."""
    engine = create_async_engine("postgresql+psycopg_async://nowhere/shop")
    with watch_engine(engine):
        assert watch_engine(engine.sync_engine) is watch_engine(engine)


def test_an_error_without_an_operation_is_none(observed: Observed, tmp_path: Path) -> None:
    """No connection can be had: nothing was executed."""
    engine = create_engine(f"sqlite:///{tmp_path}")
    with watch_engine(engine):
        with pytest.raises(OperationalError):
            engine.connect()
        assert set(counts(observed).values()) == {0}


def test_an_error_while_rows_are_fetched_counts_once(observed: Observed, watch: DatabaseWatch, engine: Engine) -> None:
    """The operation had ended well by then."""
    with engine.connect() as connection:
        rows = connection.execute(text("SELECT abs(-9223372036854775808 + column1) FROM (VALUES (1), (0))"))
        with pytest.raises(OperationalError):
            rows.fetchall()
    assert counts(observed)["SELECT", "ok"] + counts(observed)["SELECT", "error"] == 1


@pytest.mark.usefixtures("forgiving")
def test_faults_of_ours_stay_with_us(
    observed: Observed, watch: DatabaseWatch, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The query works whatever becomes of its measurement."""

    def fails(*_: object) -> None:
        raise RuntimeError

    monkeypatch.setattr("genotel.instrumentation.database.perf_counter", fails)
    with engine.connect() as connection:
        assert connection.execute(text("SELECT 1")).scalar_one() == 1
    monkeypatch.undo()
    with monkeypatch.context() as patched:
        patched.setattr(DatabaseWatch, "_end", fails)
        patched.setattr("genotel.instrumentation.database.instruments", fails)
        with engine.connect() as connection:
            assert connection.execute(text("SELECT 1")).scalar_one() == 1
            with pytest.raises(OperationalError):
                connection.execute(text("SELECT nothing"))
    places = guard.internal_errors()
    assert {"database.before", "database.after", "database.failed", "database.wait"} <= {*places}


def test_disabled_telemetry_counts_but_records_nothing(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """No instruments are made for it."""
    monkeypatch.setattr("genotel.instrumentation.database.instruments", lambda: None)
    with watch_engine(engine), engine.connect() as connection:
        assert connection.execute(text("SELECT 1")).scalar_one() == 1


def test_what_is_bound_later_shows_it_too(engine: Engine) -> None:
    """A watch may come before ``configure()``."""
    from tests.observed import observing

    assert instruments.IN_FORCE.bound is None
    with watch_engine(engine), observing() as observed:
        assert len(counts(observed)) == 8


def test_a_forked_child_counts_from_zero(observed: Observed, watch: DatabaseWatch, engine: Engine) -> None:
    """What was counted before is its parent's to report."""
    with engine.connect() as connection:
        connection.execute(text("SELECT 1"))
    engine.dispose()
    child = os.fork()
    if child == 0:
        os._exit(sum(sum(each.counts) for totals in database_totals.watched() for each in totals.operations()))
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert counts(observed)["SELECT", "ok"] == 1
    assert a.OUTCOME_OK in a.DATABASE_OUTCOMES
