"""The pictures in docs are those of the dashboards that there are, each small enough to be looked at."""

from __future__ import annotations

import pytest

from genotel.dashboards.registry import DASHBOARDS
from tests.architecture.sources import ROOT
from tools.dashboard_pictures import MOST_BYTES

PICTURES = ROOT / "docs" / "pictures"
UIDS = [board.uid for board in DASHBOARDS]


@pytest.mark.parametrize("uid", UIDS)
def test_a_dashboard_has_a_picture(uid):
    """``make pictures`` draws it, and docs/dashboards.md shows it."""
    picture = (PICTURES / f"{uid}.png").read_bytes()
    assert picture.startswith(b"\x89PNG")
    assert len(picture) <= MOST_BYTES
    assert f"(pictures/{uid}.png)" in (ROOT / "docs" / "dashboards.md").read_text(encoding="utf-8")


def test_no_picture_is_left_of_a_dashboard_that_is_gone():
    """Nobody looks for what is not there."""
    assert {path.stem for path in PICTURES.glob("*.png")} == set(UIDS)
