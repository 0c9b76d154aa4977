"""What was promised of a model is read, and a promise that could not be watched is refused."""

from __future__ import annotations

import pytest

from genotel.errors import SettingsError
from genotel.settings import Objective, load_settings
from genotel.settings.objectives import parse_objectives


def test_tables_of_the_file_are_read(tmp_path):
    """As an operator writes them."""
    path = tmp_path / "genotel.toml"
    path.write_text(
        "[slo]\nobjective = 0.95\nminimum_failures = 5\n"
        '[[slo.objectives]]\nmodel = "sdxl"\nsuccess = 0.999\n'
        '[[slo.objectives]]\nmodel = "wan"\nduration_seconds = 327.68\n',
        encoding="utf-8",
    )
    slo = load_settings(environ={}, config=path).slo
    assert (slo.objective, slo.minimum_failures) == (0.95, 5)
    assert slo.objectives == (
        Objective(model="sdxl", success=0.999),
        Objective(model="wan", duration_seconds=327.68, duration_share=0.95),
    )


@pytest.mark.parametrize(
    ("tables", "said"),
    [
        ("sdxl", "expected tables"),
        (["sdxl"], "expected tables"),
        ([{"success": 0.99}], "table 1: expected a model"),
        ([{"model": "sdxl"}], "expected success or duration_seconds"),
        ([{"model": "", "success": 0.99}], "table 1: expected a text"),
        ([{"model": "a", "success": 0.99}, {"model": "b", "sucess": 0.9}], "table 2: unknown key sucess"),
        ([{"model": "a", "success": 0.99}, {"model": "a", "duration_seconds": 2.56}], "two tables of a"),
        ([{"model": "a", "success": 0.9}], "expected a number from 0.935"),
        ([{"model": "a", "success": 1}], "to 0.99999"),
        ([{"model": "a", "success": 0.99, "duration_share": 0.95}], "duration_share without"),
        ([{"model": "a", "duration_seconds": 2}], "1.28 and 2.56 are next to 2"),
        ([{"model": "a", "duration_seconds": 10_000}], "to 5242.88"),
    ],
)
def test_a_table_that_is_wrong_says_which_and_what_was_expected(tables, said):
    """A promise that no alert can watch is no promise."""
    with pytest.raises(ValueError, match=said):
        parse_objectives(tables)


def test_thresholds_of_alerts_are_shares(tmp_path):
    """80 is no share of a processor's time."""
    path = tmp_path / "genotel.toml"
    path.write_text("[alerts]\ncpu = 80\n", encoding="utf-8")
    with pytest.raises(SettingsError, match=r"alerts\.cpu is 80: expected a number from 0 to 1"):
        load_settings(environ={}, config=path)
