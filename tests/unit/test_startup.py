"""configure() starts what was asked for, once; shutdown() ends it, and it may begin again."""

from __future__ import annotations

import os
import signal
import socket
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry, Counter

import genotel
from genotel import guard, startup
from genotel.errors import JournalError, SettingsError
from genotel.exposition.text_format import TEXT_0_0_4
from genotel.instrumentation import accumulators, instruments
from genotel.instrumentation.instruments import IN_FORCE
from genotel.instrumentation.sink import OUT
from genotel.journal.reader import JournalReader
from tests.observed import lenient
from tests.pages import series_of
from tests.servers import fetch

_others: set[threading.Thread] = set()


@pytest.fixture(autouse=True)
def ended() -> Iterator[None]:
    """Begin and end with nothing configured."""
    genotel.shutdown()
    accumulators.reset()
    # Another test's server may still be rendering for a source that hangs.
    _others.clear()
    _others.update(threading.enumerate())
    yield
    genotel.shutdown()
    instruments.unbind()
    accumulators.reset()


@genotel.measure(model="m")
def generate() -> int:
    """Be measured."""
    return 1


def count(handle: genotel.Handle, model: str = "m", outcome: str = "ok") -> float:
    """Return the calls that the page counts."""
    wanted = {("gen_ai_request_model", model), ("genotel_outcome", outcome)}
    series = series_of(handle.page.render(TEXT_0_0_4).decode())
    return sum(
        value
        for (name, labels), value in series.items()
        if name == "genotel_generation_requests_total" and wanted <= labels
    )


# What tests of other rooms left running in this process, before each test.
_others: set[threading.Thread] = set()


@pytest.fixture(autouse=True)
def know_other_threads() -> None:
    """Tell our threads from those that were there before."""
    _others.clear()
    _others.update(threading.enumerate())


def threads() -> set[str]:
    """Return the names of our threads that this test began."""
    ours = (thread for thread in threading.enumerate() if thread.name.startswith("genotel"))
    return {thread.name for thread in ours if thread not in _others}


def test_the_page_of_this_process_is_served(monkeypatch: pytest.MonkeyPatch) -> None:
    """With its calls and its own numbers; nothing of the host."""
    handle = genotel.configure(port=0)
    generate()
    assert handle.url is not None
    page = fetch(handle.url).decode()
    assert 'gen_ai_request_model="m"' in page
    assert "genotel_build_info" in page
    assert "system_cpu" not in page
    assert count(handle) == 1


def test_as_a_context_manager_it_ends_with_its_block() -> None:
    """Every thread of ours is gone, and so is the page."""
    with genotel.configure(port=0) as handle:
        assert handle.url is not None
        fetch(handle.url)
        assert threads()
    assert threads() == set()
    with pytest.raises(urllib.error.URLError):
        urllib.request.urlopen(handle.url, timeout=5)


def test_a_second_call_returns_the_first_handle(caplog: pytest.LogCaptureFixture) -> None:
    """And says so once, if it was asked for something else."""
    handle = genotel.configure(port=0)
    assert genotel.configure(port=0) is handle
    assert caplog.records == []
    for _ in range(3):
        assert genotel.configure(port=0, models=["other"], collectors="cpu") is handle
    assert [record.getMessage() for record in caplog.records] == [
        "genotel: configure() was called again with other settings; the first ones stay in force"
    ]


def test_a_shut_down_handle_shuts_nothing_else_down() -> None:
    """The first one's end must not end the second."""
    first = genotel.configure(port=0)
    first.shutdown()
    second = genotel.configure(port=0)
    first.shutdown()
    assert second.url is not None
    assert second.url != first.url or fetch(second.url)
    fetch(second.url)


def test_configure_may_come_again_after_shutdown(caplog: pytest.LogCaptureFixture) -> None:
    """Counters go on where they were; calls in between are counted and recorded nowhere."""
    for expected in (1, 3, 5):
        with genotel.configure(port=0) as handle:
            generate()
            assert count(handle) == expected
        generate()
    assert caplog.records == []


def test_threads_that_configure_at_once_get_the_same() -> None:
    """One of them starts it."""
    handles: list[genotel.Handle] = []
    barrier = threading.Barrier(8)

    def work() -> None:
        barrier.wait()
        handles.append(genotel.configure(port=0))

    workers = [threading.Thread(target=work) for _ in range(8)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert len({id(handle) for handle in handles}) == 1


def test_a_taken_port_is_one_warning_and_no_url(caplog: pytest.LogCaptureFixture) -> None:
    """The program is measured all the same."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        handle = genotel.configure(port=port)
        generate()
    assert handle.url is None
    assert count(handle) == 1
    (record,) = caplog.records
    assert record.getMessage() == (
        f"genotel: the metrics page is not served: 127.0.0.1:{port}: Address already in use; the program goes on. "
        "Set OTEL_EXPORTER_PROMETHEUS_PORT to another port, or 0 for any free one"
    )


@pytest.mark.parametrize("host", ["no.such.host.invalid", "x" * 70 + ".y", "300.300.300.300"])
def test_a_host_that_is_none_is_one_warning(host: str, caplog: pytest.LogCaptureFixture) -> None:
    """Whatever the resolver raises for it."""
    assert genotel.configure(host=host, port=0).url is None
    assert len(caplog.records) == 1


def test_without_a_page_nothing_is_served() -> None:
    """It may be mounted in the program's own application."""
    handle = genotel.configure(page=False)
    generate()
    assert (handle.url, count(handle), threads()) == (None, 1, set())


def test_declared_models_are_born_at_zero() -> None:
    """Before their first use."""
    handle = genotel.configure(port=0, models=["rare"])
    assert 'gen_ai_request_model="rare"' in handle.page.render(TEXT_0_0_4).decode()
    assert count(handle, "rare") == 0


def test_collectors_are_those_that_were_named() -> None:
    """And a name that is none is refused before anything is started."""
    with pytest.raises(SettingsError, match="nonsense"):
        genotel.configure(port=0, collectors="cpu,nonsense")
    assert threads() == set()
    handle = genotel.configure(port=0, collectors=["cpu", "memory"])
    page = handle.page.render(TEXT_0_0_4).decode()
    assert "system_cpu_time_seconds_total" in page
    assert "system_memory_usage_bytes" in page
    assert "system_network_io" not in page


def test_a_wrong_setting_is_refused_and_nothing_is_started() -> None:
    """With its name."""
    with pytest.raises(SettingsError, match="port"):
        genotel.configure(port=-1)
    assert startup._handle is None
    assert IN_FORCE.bound is None or OUT.sink is None


def test_a_users_own_registry_is_on_the_same_page() -> None:
    """The metrics that the program has already."""
    registry = CollectorRegistry()
    Counter("legacy", "Old.", registry=registry).inc(3)
    handle = genotel.configure(port=0, registry=registry)
    assert "legacy_total 3.0" in handle.page.render(TEXT_0_0_4).decode()


@pytest.mark.parametrize("how", ["argument", "variable"])
def test_disabled_nothing_is_measured(how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Until it is shut down; calls work as ever."""
    if how == "variable":
        monkeypatch.setenv("OTEL_SDK_DISABLED", "true")
    handle = genotel.configure(port=0, disabled=True if how == "argument" else None)
    assert generate() == 1
    with genotel.generation("m") as call:
        call.step()
    assert (handle.url, threads(), accumulators.all_calls()) == (None, set(), [])
    assert genotel.configure(port=0, disabled=True if how == "argument" else None) is handle
    handle.shutdown()
    monkeypatch.delenv("OTEL_SDK_DISABLED", raising=False)
    with genotel.configure(port=0) as enabled:
        generate()
        assert count(enabled) == 1


def test_calls_are_kept_in_a_journal(tmp_path: Path) -> None:
    """Written when it is shut down; models that were in use are born at 0 the next time."""
    path = tmp_path / "journal.db"
    with genotel.configure(port=0, journal=path):
        generate()
        with pytest.raises(ValueError, match="no"), genotel.generation("m"):
            raise ValueError("no")
    with JournalReader(path) as reader:
        (usage,) = reader.models()
    assert (usage.model, usage.total, usage.ok, usage.failed) == ("m", 2, 1, 1)
    accumulators.reset()
    with genotel.configure(port=0, journal=path) as handle:
        page = handle.page.render(TEXT_0_0_4).decode()
        assert count(handle) == 0
        assert "genotel_model_last_used_timestamp_seconds{" in page
        assert "genotel_journal_rows_total{" in page


def test_a_journal_that_is_refused_is_one_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """On a network filesystem, say; it names the user's own file on the user's own terminal."""

    def refuse(path: Path, **_: object) -> None:
        raise JournalError("is on nfs, where SQLite is not safe", file=str(path))

    monkeypatch.setattr("genotel.journal.opening.JournalWriter", refuse)
    with genotel.configure(port=0, journal=tmp_path / "journal.db") as handle:
        generate()
        assert count(handle) == 1
    (record,) = caplog.records
    assert record.getMessage() == (
        f"genotel: no journal is kept: {tmp_path}/journal.db: is on nfs, where SQLite is not safe"
    )


def test_a_journal_that_breaks_is_ours_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The program goes on, measured."""

    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("broken")

    monkeypatch.setattr("genotel.journal.opening.JournalWriter", broken)
    with lenient(), genotel.configure(port=0, journal=tmp_path / "journal.db") as handle:
        generate()
        assert count(handle) == 1
    assert guard.internal_errors() == {"startup.journal": 1}


def test_a_journal_below_a_file_costs_nothing_but_itself(tmp_path: Path) -> None:
    """A path that cannot be made."""
    (tmp_path / "file").write_text("")
    with lenient(), genotel.configure(port=0, journal=tmp_path / "file" / "journal.db") as handle:
        generate()
        assert count(handle) == 1


def test_what_cannot_be_started_is_ours_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """The program goes on, and the handle works."""

    def broken(*_: object, **__: object) -> Any:
        raise RuntimeError("broken")

    monkeypatch.setattr(startup.pipelines, "build", broken)
    with lenient():
        handle = genotel.configure(port=0)
        assert generate() == 1
        assert handle.url is None
        handle.shutdown()
    assert guard.internal_errors() == {"startup.start": 1}
    monkeypatch.undo()
    with genotel.configure(port=0) as handle:
        assert handle.url is not None


@pytest.mark.parametrize("part", ["_server", "_scrape", "_journal"])
def test_what_cannot_be_ended_does_not_keep_the_rest(part: str, tmp_path: Path) -> None:
    """Each part is closed by itself."""

    class Broken:
        """Raise at the end."""

        def close(self) -> None:
            """Raise."""
            raise RuntimeError("broken")

    handle = genotel.configure(port=0, journal=tmp_path / "journal.db", collectors="cpu")
    real = getattr(handle, part)
    setattr(handle, part, Broken())
    with lenient():
        handle.shutdown()
        startup._shutdown_at_exit()
    real.close()
    assert sum(guard.internal_errors().values()) == 1
    assert threads() == set()


def test_sigterm_is_chained_only_if_asked_and_put_back() -> None:
    """Ten rounds leave no chain behind."""
    before = signal.getsignal(signal.SIGTERM)
    with genotel.configure(port=0):
        assert signal.getsignal(signal.SIGTERM) == before
    for _ in range(10):
        with genotel.configure(port=0, handle_signals=True):
            assert signal.getsignal(signal.SIGTERM) != before
        assert signal.getsignal(signal.SIGTERM) == before


def test_a_spool_is_shared_and_counts_begin_anew_after_it(tmp_path: Path) -> None:
    """What was counted is in the folder; it must not be counted twice."""
    for expected in (1, 2):
        with genotel.configure(port=0, spool=tmp_path / "spool") as handle:
            generate()
            assert count(handle) == expected
    assert accumulators.all_calls() == []


def test_the_page_of_a_spool_is_taken_over_when_its_server_has_ended(tmp_path: Path) -> None:
    """Whoever looks first; not while the port is taken, and not after the end."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        handle = genotel.configure(port=port, spool=tmp_path / "spool")
        assert handle.url is None
        startup._take_over(handle)
        assert handle.url is None
    startup._take_over(handle)
    assert handle.url == f"http://127.0.0.1:{port}/metrics"
    startup._take_over(handle)
    fetch(handle.url)
    handle.shutdown()
    handle._server = None
    startup._take_over(handle)
    assert handle._server is None


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_child_begins_at_zero_and_its_parent_goes_on() -> None:
    """It has a handle of its own, without a page."""
    handle = genotel.configure(port=0)
    generate()
    child = os.fork()
    if child == 0:
        try:
            generate()
            own = startup._handle
            assert own is not None
            assert own is not handle
            assert (own.url, count(own)) == (None, 1)
            handle.shutdown()
            assert startup._handle is own
            genotel.shutdown()
            os._exit(7)
        finally:
            os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
    assert count(handle) == 1
    assert handle.url is not None
    fetch(handle.url)


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_child_of_a_disabled_program_stays_disabled() -> None:
    """As its parent asked."""
    genotel.configure(disabled=True)
    child = os.fork()
    if child == 0:
        generate()
        os._exit(7 if accumulators.all_calls() == [] else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7


@pytest.mark.parametrize("vintage", ["older", "newer"])
def test_the_vintage_of_names_is_the_environments(vintage: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """``OTEL_SEMCONV_STABILITY_OPT_IN``."""
    if vintage == "newer":
        monkeypatch.setenv("OTEL_SEMCONV_STABILITY_OPT_IN", "http,gen_ai_latest_experimental")
    handle = genotel.configure(port=0)
    generate()
    page = handle.page.render(TEXT_0_0_4).decode()
    assert ("gen_ai_client_operation_duration_seconds" in page) == (vintage == "older")
    assert ("gen_ai_client_inference_duration_seconds" in page) == (vintage == "newer")
