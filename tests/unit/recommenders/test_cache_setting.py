"""How long a history is kept is a setting, for advice and for figures alike."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import pytest

from genotel.analysis.usage_figures import usage_statistics
from genotel.history.kept import KEPT_HISTORIES
from genotel.history.usage import UsageHistory
from genotel.recommenders.advice import recommend
from histories import history


@dataclass
class Source:
    """Count how often it was read."""

    place: object
    reads: list[None] = field(default_factory=list)

    def load_usage(self) -> UsageHistory:
        self.reads.append(None)
        return history({"sdxl": [0]}, days=10)


@pytest.mark.parametrize(("minutes", "reads"), [(15, 1), (0, 3)])
def test_the_minutes_of_genotel_toml_decide_how_often_is_read(
    minutes: int, reads: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Three questions, one reading; with 0 minutes three."""
    (tmp_path / "genotel.toml").write_text(f"[advice]\ncache_ttl_minutes = {minutes}\n")
    monkeypatch.setenv("GENOTEL_CONFIG", str(tmp_path / "genotel.toml"))
    source = Source(place=tmp_path)
    recommend(source)
    recommend(source)
    assert usage_statistics(source, model="sdxl").uses == 1
    assert len(source.reads) == reads
    KEPT_HISTORIES.forget()
