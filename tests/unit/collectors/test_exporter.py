"""The exporter as a program."""

from __future__ import annotations

import json
import signal
import socket

import pytest

from genotel.collectors.exporter import main, serve_page
from genotel.errors import SettingsError
from genotel.exposition.series import Block, Family, NumberSeries
from genotel.spool.folder import SpoolFolder
from genotel.spool.snapshot import Encoder, share
from genotel.spool.worker_file import WorkerFile
from tests.servers import fetch


@pytest.fixture(autouse=True)
def signal_handlers():
    """Put back what the exporter sets."""
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture
def told_to_stop(monkeypatch):
    """Send a signal to this process at the moment when it would wait for one."""

    def tell(number):
        monkeypatch.setattr(signal, "pause", lambda: signal.raise_signal(number))

    return tell


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_with_exit_code_0(number, told_to_stop, capsys):
    """Its address was said on stderr, and nothing on stdout."""
    told_to_stop(number)
    assert main(["port=0", "collectors=none"]) == 0
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("genotel: serving http://127.0.0.1:")


def test_other_signals_do_not_end_it(monkeypatch, capsys):
    """A child that ended, say."""
    waits = iter([None, KeyboardInterrupt()])

    def pause():
        if (error := next(waits)) is not None:
            raise error

    monkeypatch.setattr(signal, "pause", pause)
    serve_page({"port": "0", "collectors": "none"})
    assert list(waits) == []
    assert "serving" in capsys.readouterr().err


def test_a_mistake_is_one_line_and_its_exit_code(capsys):
    """As the command line says it."""
    assert main(["collectors=discs"]) == 2
    assert capsys.readouterr().err.startswith("genotel: no collector named discs;")


def test_a_taken_port_is_said_with_what_to_do():
    """The cause is kept for a debugger."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(SettingsError, match=f"port {port} of 127.0.0.1 is taken; .* --port") as refused:
            serve_page({"port": str(port), "collectors": "none"})
    assert isinstance(refused.value.__cause__, OSError)


def test_an_address_that_is_not_ours_is_said():
    """Whatever the system calls it."""
    with pytest.raises(SettingsError, match=r"cannot serve on 192\.0\.2\.1 port 0 \(Cannot assign requested address\)"):
        serve_page({"host": "192.0.2.1", "port": "0", "collectors": "none"})


def test_a_host_that_is_no_name_is_said():
    """The system would say it in its own way."""
    with pytest.raises(SettingsError, match=r"'aaa.*', which is no name of a machine; choose another with --host"):
        serve_page({"host": "a" * 70, "port": "0", "collectors": "none"})


def test_a_spool_is_on_the_page_and_left_in_order(tmp_path, monkeypatch, capsys):
    """Others' values are there from the first scrape on; its own stay behind as those of an ended process."""
    seen = []

    def pause():
        url = capsys.readouterr().err.split()[-1]
        seen.append(fetch(url).decode())
        raise KeyboardInterrupt

    other = WorkerFile(tmp_path)
    jobs = Block(Family("jobs", "counter"), [(NumberSeries(), 3)])
    other.write(Encoder(7).encode(share([jobs])))
    monkeypatch.setattr(signal, "pause", pause)
    serve_page({"port": "0", "collectors": "none", "spool": str(tmp_path)})
    assert "\njobs_total 3\n" in seen[0]
    assert 'genotel_spool_workers{genotel_worker_state="live"} 2' in seen[0]
    states = {reading.name: reading.is_live for reading in SpoolFolder(tmp_path).read().workers}
    assert states.pop(other.name)
    assert [*states.values()] == [False]
    other.close()


def test_a_spool_that_cannot_be_had_is_said_with_what_to_do(tmp_path):
    """Nothing is served."""
    (tmp_path / "file").write_text("mine")
    with pytest.raises(SettingsError, match=r"no spool can be kept in .*file .*; name another folder with --spool"):
        serve_page({"port": "0", "collectors": "none", "spool": str(tmp_path / "file")})


def test_the_processes_of_a_spool_are_listed(tmp_path, monkeypatch, capsys):
    """On the server and in a file; each has a page of its own, and this process is none of them."""
    seen = []
    file = tmp_path / "targets.json"
    spool = tmp_path / "spool"
    spool.mkdir()

    def pause():
        url = capsys.readouterr().err.split()[-1]
        found = json.loads(fetch(url.replace("/metrics", "/sd")))
        name = found[0]["labels"]["__param_process"]
        seen.extend([found, json.loads(file.read_text()), fetch(f"{url}?process={name}").decode()])
        raise KeyboardInterrupt

    other = WorkerFile(spool)
    other.write(Encoder(7).encode(share([Block(Family("jobs", "counter"), [(NumberSeries(), 3)])])))
    monkeypatch.setattr(signal, "pause", pause)
    serve_page({"port": "0", "collectors": "none", "spool": str(spool), "spool_targets_file": str(file)})
    found, in_file, page = seen
    assert [target["labels"]["genotel_process"] for target in found] == [other.name.removesuffix(".worker")]
    assert in_file == found
    assert "jobs_total 3\n" in page
    other.close()


@pytest.mark.parametrize("host", ["0.0.0.0", "::"])
def test_a_file_of_targets_names_a_machine_that_others_can_reach(tmp_path, told_to_stop, host):
    """Nobody can ask for a page of every address."""
    file = tmp_path / "targets.json"
    spool = tmp_path / "spool"
    spool.mkdir()
    other = WorkerFile(spool)
    other.write(Encoder(7).encode(share([])))
    told_to_stop(signal.SIGTERM)
    serve_page({"host": host, "port": "0", "collectors": "none", "spool": str(spool), "spool_targets_file": str(file)})
    (target,) = json.loads(file.read_text())
    assert target["targets"][0].startswith(socket.gethostname() + ":")
    other.close()
