"""Advice as JSON, for programs: one object, keys in a fixed order, null for what is not known."""

from __future__ import annotations

import json
import re
from typing import ClassVar

from genotel.recommenders.advice import Advice
from genotel.recommenders.recommendation import plain
from genotel.report.report import Page
from genotel.report.wording import timestamp

_HALF = re.compile("[\ud800-\udfff]")
# More would be noise.
_DIGITS = 6


class JsonReport:
    """Write advice as one JSON object; times are RFC 3339, sizes bytes, durations seconds."""

    name: ClassVar[str] = "json"

    def render(self, advice: Advice, page: Page) -> str:
        """Return the object, indented."""
        start, end = (None, None) if advice.window is None else map(timestamp, advice.window)
        content: dict[str, object] = {
            "generated_at": timestamp(page.generated_at),
            "source": advice.source,
            "window": {"start": start, "end": end},
            "recommendations": [plain(entry) for entry in advice.recommendations],
            "withheld": [
                {"kind": entry.kind, "model": entry.model, "reason_code": entry.reason_code.value}
                for entry in advice.withheld
            ],
        }
        content["explanation"] = {
            "models": advice.models,
            "observed_ratio": round(advice.observed_ratio, _DIGITS),
            "methods": dict(advice.methods),
            "would_change": {entry.reason_code.value: entry.reason_code.would_change for entry in advice.withheld},
        }
        if advice.notes:
            content["notes"] = list(advice.notes)
        text = json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
        # Half a character is no text for a file, but a program can be told which half.
        return _HALF.sub(lambda half: f"\\u{ord(half[0]):04x}", text)
