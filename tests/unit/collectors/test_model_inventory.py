"""The inventory: walked in the background, shown from memory."""

from __future__ import annotations

import os
import shutil
import threading
import time

import pytest

from genotel.clock import Clock
from genotel.collectors.collector import IncompleteError, NoData
from genotel.collectors.model_inventory import ModelInventoryCollector, keeps_reads
from genotel.collectors.model_stores import Store
from genotel.collectors.proc_files import ProcFiles
from genotel.semconv import model_metrics as m
from genotel.settings import InventorySettings, Settings
from tests.model_trees import cached_repository, weigh

MOUNTS = "1 0 8:1 / / rw,{options} - ext4 /dev/sda1 rw\n"


class MovingClock:
    """Be the real clock and what the test adds to it."""

    def __init__(self):
        self.added = 0.0

    def clock(self):
        return Clock(wall=lambda: 5000 + self.added, monotonic=lambda: time.monotonic() + self.added)


class Shelf:
    """Hold a collector, and read it as a page would."""

    def __init__(self, collector):
        self.collector = collector
        self.complete = True

    def values(self):
        self.complete = True
        values = {}
        try:
            for spec, labels, value in self.collector.collect():
                assert (spec.name, *labels) not in values
                values[spec.name, *labels] = value
        except IncompleteError:
            self.complete = False
        return values

    def until(self, condition, seconds=20.0):
        deadline = time.monotonic() + seconds
        while not condition(values := self.values()):
            assert time.monotonic() < deadline, values
            time.sleep(0.01)
        return values


@pytest.fixture
def moving():
    """Return a clock to turn."""
    return MovingClock()


@pytest.fixture
def shelf(tmp_path, moving, monkeypatch):
    """Return a maker of inventories of ``tmp_path/hub`` and more, that look fifty times a second."""
    made = []
    # A busy machine takes its time to start a thread.
    monkeypatch.setattr("genotel.collectors.model_inventory._FIRST_SECONDS", 20)
    (tmp_path / "hub").mkdir()

    def make(*more, options="relatime", find=None, **settings):
        (tmp_path / "self").mkdir(exist_ok=True)
        (tmp_path / "self" / "mountinfo").write_text(MOUNTS.format(options=options))
        places = [Store("hub", str(tmp_path / "hub"), "hub"), *more]
        collector = ModelInventoryCollector(ProcFiles(str(tmp_path)), find or (lambda _: places), clock=moving.clock())
        given = {"inventory_interval_seconds": 0.02, **settings}
        collector.configure(Settings(inventory=InventorySettings(**given)))
        made.append(collector)
        return Shelf(collector)

    yield make
    for collector in made:
        collector.close()


def test_the_first_page_has_every_model(shelf, tmp_path):
    """Size, files and times; and when the store was walked."""
    cached_repository(tmp_path / "hub", "org/a", {"config.json": 5, "model.safetensors": 100})
    assert shelf().values() == {
        (m.MODEL_SIZE.name, "org/a", "hub", "transformers"): 105,
        (m.MODEL_FILES.name, "org/a", "hub", "transformers"): 2,
        (m.MODEL_LAST_READ.name, "org/a", "hub"): 1000,
        (m.MODEL_LAST_MODIFIED.name, "org/a", "hub"): 500,
        (m.MODEL_SCANNED.name, "hub"): 5000,
    }


def test_models_come_and_go(shelf, tmp_path):
    """With a download, and with `rm`."""
    one = shelf()
    one.values()
    cached_repository(tmp_path / "hub", "org/a", {"model.gguf": 5})
    key = (m.MODEL_SIZE.name, "org/a", "hub", "gguf")
    assert one.until(lambda values: key in values)[key] == 5
    shutil.rmtree(tmp_path / "hub" / "models--org--a")
    one.until(lambda values: key not in values)


def test_what_did_not_change_is_looked_at_again_after_its_time_only(shelf, tmp_path, moving):
    """A walk over a share costs it little."""
    cached_repository(tmp_path / "hub", "org/a", {"model.gguf": 5})
    one = shelf(inventory_rescan_seconds=100)
    key = (m.MODEL_LAST_READ.name, "org/a", "hub")
    assert one.values()[key] == 1000
    os.utime(tmp_path / "hub" / "models--org--a" / "blobs" / f"{0:064x}", (2000, 500))
    moving.added = 50
    one.until(lambda values: values[m.MODEL_SCANNED.name, "hub"] == 5050)
    assert one.values()[key] == 1000
    moving.added = 150
    assert one.until(lambda values: values[key] != 1000)[key] == 2000


def test_a_model_in_two_stores_is_on_the_disk_once(shelf, tmp_path):
    """A link from a program's folder into the cache: the first store has the bytes, and says what is shared."""
    home = cached_repository(tmp_path / "hub", "org/a", {"model.safetensors": 100})
    (tmp_path / "comfy").mkdir()
    (tmp_path / "comfy" / "a.safetensors").symlink_to(home / "blobs" / f"{0:064x}")
    values = shelf(Store("comfy", str(tmp_path / "comfy"), "folder")).until(
        lambda values: (m.MODEL_SCANNED.name, "comfy") in values and (m.MODEL_SCANNED.name, "hub") in values
    )
    sizes = {key[1:3]: value for key, value in values.items() if key[0] == m.MODEL_SIZE.name}
    assert sizes == {("org/a", "hub"): 100, ("a.safetensors", "comfy"): 0}
    assert values[m.MODEL_SHARED.name, "org/a", "hub"] == 100


def test_the_user_s_rules_name_models(shelf, tmp_path):
    """So that inventory and use join."""
    cached_repository(tmp_path / "hub", "org/xl-base", {"model.gguf": 5})
    values = shelf(model_names=(("org/*", "sdxl"),)).values()
    assert values[m.MODEL_SIZE.name, "sdxl", "hub", "gguf"] == 5


def test_without_times_of_reading_they_are_absent(shelf, tmp_path):
    """A filesystem that is mounted noatime would say that nothing was read since it was written."""
    cached_repository(tmp_path / "hub", "org/a", {"model.gguf": 5})
    values = shelf(options="noatime").values()
    assert (m.MODEL_LAST_READ.name, "org/a", "hub") not in values
    assert values[m.MODEL_LAST_MODIFIED.name, "org/a", "hub"] == 500


def test_without_a_store_there_is_no_data_and_no_thread(shelf, tmp_path, moving):
    """A known place that appears later is found within a minute."""
    (tmp_path / "hub").rmdir()
    one = shelf()
    threads = threading.active_count()
    for _ in range(2):
        with pytest.raises(NoData):
            one.values()
    assert threading.active_count() == threads
    cached_repository(tmp_path / "hub", "org/a", {"model.gguf": 5})
    moving.added = 60
    one.until(lambda values: (m.MODEL_SIZE.name, "org/a", "hub", "gguf") in values)


def test_a_folder_that_the_user_named_must_be_there(shelf, tmp_path):
    """It is a failure while it is not, and the other stores are shown."""
    cached_repository(tmp_path / "hub", "org/a", {"model.gguf": 5})
    one = shelf(Store("nas", str(tmp_path / "nas"), None))
    one.until(lambda values: (m.MODEL_SCANNED.name, "hub") in values)
    assert one.values()
    assert not one.complete
    weigh(tmp_path / "nas" / "b.gguf", 6)
    one.until(lambda values: (m.MODEL_SIZE.name, "b.gguf", "nas", "gguf") in values)
    one.until(lambda _: one.complete)
    shutil.rmtree(tmp_path / "nas")
    one.until(lambda _: not one.complete)
    # A share that is away for a moment took no model with it.
    assert (m.MODEL_SIZE.name, "b.gguf", "nas", "gguf") in one.values()


def test_a_store_that_hangs_costs_only_itself(shelf, tmp_path, moving, monkeypatch):
    """A page does not wait for it, and says after a while that it is late."""
    monkeypatch.setattr("genotel.collectors.model_inventory._FIRST_SECONDS", 0.5)
    cached_repository(tmp_path / "hub", "org/a", {"model.gguf": 5})
    (tmp_path / "nas").mkdir()
    release = threading.Event()
    listdir = os.listdir

    def hanging(path="."):
        if str(path).endswith("nas"):
            release.wait(60)
        return listdir(path)

    monkeypatch.setattr("genotel.collectors.model_scan.os.listdir", hanging)
    one = shelf(Store("nas", str(tmp_path / "nas"), None), inventory_interval_seconds=1.0)
    began = time.monotonic()
    values = one.until(lambda values: (m.MODEL_SCANNED.name, "hub") in values)
    assert time.monotonic() - began < 5
    assert (m.MODEL_SIZE.name, "org/a", "hub", "gguf") in values
    assert one.complete
    threads = threading.active_count()
    moving.added = 11
    one.values()
    assert not one.complete
    assert threading.active_count() == threads
    release.set()


def test_a_walk_is_slow_after_its_first_entries(shelf, tmp_path, monkeypatch):
    """It must not take the disk from the programs that load models; closing ends it."""
    monkeypatch.setattr("genotel.collectors.model_inventory._FIRST_SECONDS", 0.5)
    monkeypatch.setattr("genotel.collectors.model_inventory._BURST", 10)
    monkeypatch.setattr("genotel.collectors.model_inventory._CHUNK", 5)
    monkeypatch.setattr("genotel.collectors.model_inventory._PAUSE_SECONDS", 30)
    cached_repository(tmp_path / "hub", "org/a", {f"{number}.gguf": 5 for number in range(50)})
    one = shelf()
    assert one.values() == {}
    one.collector.close()
    deadline = time.monotonic() + 10
    while any(thread.name.startswith("genotel-inventory") for thread in threading.enumerate()):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_fault_of_ours_does_not_end_the_walks(shelf, tmp_path, monkeypatch):
    """It is counted and logged like every fault of ours."""
    from genotel import guard

    reported = []
    monkeypatch.setattr(guard, "report", lambda place, error: reported.append((place, type(error))))
    monkeypatch.setattr("genotel.collectors.model_inventory.totals", lambda *_: 1 / 0)
    one = shelf()
    one.until(lambda _: len(reported) > 1)
    assert set(reported) == {("collectors.model_inventory.walk", ZeroDivisionError)}


def test_a_fork_walks_for_itself(shelf, tmp_path):
    """It has none of the threads."""
    cached_repository(tmp_path / "hub", "org/a", {"model.gguf": 5})
    one = shelf()
    one.values()
    read, write = os.pipe()
    forked = os.fork()
    if forked == 0:
        try:
            (tmp_path / "hub" / "models--org--a").rename(tmp_path / "hub" / "models--org--b")
            one.until(lambda values: (m.MODEL_SIZE.name, "org/b", "hub", "gguf") in values)
            os.write(write, b"walked")
        finally:
            os._exit(0)
    os.waitpid(forked, 0)
    assert os.read(read, 10) == b"walked"
    os.close(read)
    os.close(write)


@pytest.mark.parametrize(
    ("mounts", "keeps"),
    [
        ("1 0 8:1 / / rw,relatime - ext4 /dev/sda1 rw\n", True),
        ("1 0 8:1 / / rw,noatime - ext4 /dev/sda1 rw\n", False),
        ("1 0 8:1 / / rw,noatime - ext4 a rw\n2 1 8:2 / /data rw - ext4 b rw\n", True),
        ("1 0 8:1 / / rw - ext4 a rw\n2 1 8:2 / /data rw,noatime - ext4 b rw\n3 1 8:3 / /dat rw - ext4 c rw\n", False),
        ("1 0 8:1 / /data rw,noatime - ext4 a rw\n2 1 8:2 / /data rw - ext4 b rw\n", True),
        ("nonsense\n", True),
    ],
)
def test_the_mount_of_a_store_tells_whether_reads_are_kept(mounts, keeps):
    """The longest place that holds it, the last of several."""
    assert keeps_reads("/data/models", mounts.encode()) is keeps
