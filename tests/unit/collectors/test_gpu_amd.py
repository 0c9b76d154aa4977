"""AMD's GPUs, by trees of files."""

from __future__ import annotations

import os
import shutil

import pytest

from genotel.collectors.collector import IncompleteError, NoData
from genotel.collectors.gpu_amd import GpuAmdCollector
from genotel.collectors.proc_files import ProcFiles
from genotel.semconv import gpu_metrics as m
from genotel.settings import GpuSettings, Settings

CARD = "amdgpu-57ab3d1e9f204c86"


@pytest.fixture
def drm(changing_machine, tmp_path):
    """Return the files of a machine and its folder of cards, to change."""
    return changing_machine[0], tmp_path / "sys" / "class" / "drm"


def read(collector):
    """Return the values by metric and labels, and whether all could be read."""
    values = {}
    try:
        for spec, labels, value in collector.collect():
            values[spec.name, *labels] = value
    except IncompleteError:
        return values, False
    return values, True


def test_every_value_is_in_base_units(machine, by_name):
    """Microwatts become watts, thousandths of a degree degrees, percent ratios."""
    values = by_name(GpuAmdCollector(machine).collect())
    assert values[m.UTILIZATION.name, CARD, "general"] == 0.64
    assert values[m.UTILIZATION.name, CARD, "memory"] == 0.21
    assert values[m.MEMORY_LIMIT.name, CARD] == 25753026560
    assert values[m.MEMORY_USAGE.name, CARD] == 12884901888
    assert (values[m.POWER.name, CARD, m.GPU], values[m.POWER_LIMIT.name, CARD]) == (231, 327)
    temperatures = {key[-1]: value for key, value in values.items() if key[0] == m.TEMPERATURE.name}
    assert temperatures == {"gpu": 61, "junction": 78, "memory": 70}
    assert values[m.TEMPERATURE_LIMIT.name, CARD, "slowdown"] == 100
    assert values[m.TEMPERATURE_LIMIT.name, CARD, "shutdown"] == 105
    assert values[m.FAN_SPEED.name, CARD, m.GPU] == 0.46
    assert (values[m.CLOCK.name, CARD, "graphics"], values[m.CLOCK.name, CARD, "memory"]) == (2304e6, 1249e6)
    assert values[m.CLOCK_LIMIT.name, CARD, "graphics"] == 2526e6
    assert values[m.ERRORS.name, CARD, m.GPU, m.ECC_CORRECTED] == 3
    assert values[m.INFO.name, CARD, "0", "Radeon RX 7900 XTX", "AMD", "6.8.5", "0000:0b:00.0", "", ""] == 1
    assert (values[m.EXPECTED.name, "AMD"], values[m.SEEN.name, "AMD"]) == (1, 1)
    assert values[m.STATUS.name, CARD, m.GPU, m.OK] == 1
    assert values[m.AGE.name, CARD] == 0


def test_what_a_card_does_not_have_is_absent(drm):
    """An integrated one has no fan, no cap, no errors, no number of its own and no name."""
    files, folder = drm
    device = folder / "card0" / "device"
    for name in (
        "unique_id",
        "product_name",
        "mem_busy_percent",
        "pp_dpm_sclk",
        "pp_dpm_mclk",
        "ras",
        "mem_info_vram_used",
    ):
        shutil.rmtree(device / name) if (device / name).is_dir() else (device / name).unlink()
    for name in os.listdir(device / "hwmon" / "hwmon3"):
        if not name.startswith("temp1_i") and not name.startswith("temp1_l"):
            (device / "hwmon" / "hwmon3" / name).unlink()
    values, complete = read(GpuAmdCollector(files))
    assert complete
    uuid = "pci-0000:0B:00.0"
    assert {key[0] for key in values if key[1] == uuid} == {
        *(spec.name for spec in (m.UTILIZATION, m.TEMPERATURE, m.INFO, m.STATUS, m.FAULT, m.AGE))
    }
    assert (m.INFO.name, uuid, "0", "AMD 0x744c", "AMD", "6.8.5", "0000:0b:00.0", "", "") in values


def test_older_and_newer_names_of_files(drm):
    """Newer kernels have the power at an instant only; a fan may show its pulse and no turns."""
    files, folder = drm
    sensors = folder / "card0" / "device" / "hwmon" / "hwmon3"
    (sensors / "power1_average").rename(sensors / "power1_input")
    (sensors / "fan1_max").unlink()
    (sensors / "pwm1").write_text("51\n")
    values, _ = read(GpuAmdCollector(files))
    assert values[m.POWER.name, CARD, m.GPU] == 231
    assert values[m.FAN_SPEED.name, CARD, m.GPU] == 0.2


def test_a_card_that_sleeps_is_left_to_sleep(drm):
    """Its values are absent, and it is well."""
    files, folder = drm
    (folder / "card0" / "device" / "power" / "runtime_status").write_text("suspended\n")
    values, complete = read(GpuAmdCollector(files))
    assert complete
    assert (m.UTILIZATION.name, CARD, "general") not in values
    assert values[m.SEEN.name, "AMD"] == 1


@pytest.mark.parametrize(("file", "text"), [("vendor", "0x10de\n"), ("vendor", "")])
def test_other_vendors_cards_are_not_ours(drm, file, text):
    """Nor is a folder that says nothing."""
    files, folder = drm
    (folder / "card0" / "device" / file).write_text(text)
    with pytest.raises(NoData):
        list(GpuAmdCollector(files).collect())


def test_a_card_of_a_virtual_machine_is_not_ours(drm):
    """Its driver tells."""
    files, folder = drm
    driver = folder / "card0" / "device" / "driver"
    driver.symlink_to("../../bus/pci/drivers/amdgpu")
    assert read(GpuAmdCollector(files))[0]
    driver.unlink()
    driver.symlink_to("../../bus/pci/drivers/vfio-pci")
    with pytest.raises(NoData):
        list(GpuAmdCollector(files).collect())


def test_a_card_that_cannot_be_read_is_a_fact_with_a_reason(drm, tmp_path):
    """It is expected, has a name, and no values; a folder that is gone is a missing card."""
    files, folder = drm
    collector = GpuAmdCollector(files)
    read(collector)
    device = folder / "card0" / "device"
    shutil.move(device / "hwmon", tmp_path / "hwmon")
    for name in ("mem_info_vram_total", "gpu_busy_percent"):
        (device / name).unlink()
    values, complete = read(collector)
    assert not complete
    assert values[m.FAULT.name, CARD, m.UNREADABLE] == 1
    shutil.rmtree(folder / "card0")
    values, complete = read(collector)
    assert complete
    assert values[m.FAULT.name, CARD, m.MISSING] == 1
    assert (values[m.EXPECTED.name, "AMD"], values[m.SEEN.name, "AMD"]) == (1, 0)


def test_without_such_cards_there_is_no_data(no_machine):
    """Elsewhere than on Linux, or with others."""
    with pytest.raises(NoData):
        list(GpuAmdCollector(no_machine).collect())


def test_the_number_that_should_be_there_is_of_a_box_with_such_cards(machine, no_machine):
    """In a box without any, it is meant for another vendor's."""
    settings = Settings(gpu=GpuSettings(gpu_expected=4))
    collector = GpuAmdCollector(machine)
    collector.configure(settings)
    assert read(collector)[0][m.EXPECTED.name, "AMD"] == 4
    other = GpuAmdCollector(no_machine)
    other.configure(settings)
    with pytest.raises(NoData):
        list(other.collect())


def test_a_folder_of_sensors_may_be_empty(drm):
    """The card still says how busy it is."""
    files, folder = drm
    shutil.rmtree(folder / "card0" / "device" / "hwmon" / "hwmon3")
    values, complete = read(GpuAmdCollector(files))
    assert complete
    assert values[m.UTILIZATION.name, CARD, "general"] == 0.64
    assert (m.POWER.name, CARD, m.GPU) not in values


def test_a_number_that_is_none_is_absent(tmp_path):
    """The kernel writes words and minus signs where it has no number."""
    device = tmp_path / "class" / "drm" / "card3" / "device"
    device.mkdir(parents=True)
    (device / "vendor").write_text("0x1002\n")
    (device / "gpu_busy_percent").write_text("n/a\n")
    (device / "mem_info_vram_total").write_text("1000\n")
    (device / "mem_info_vram_used").write_text("-5\n")
    values, _ = read(GpuAmdCollector(ProcFiles(sys=str(tmp_path))))
    assert (m.MEMORY_USAGE.name, "card3") not in values
    assert values[m.SEEN.name, "AMD"] == 1
