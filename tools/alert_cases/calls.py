"""The series of one model that the cases of several groups are about."""

from __future__ import annotations

from genotel.semconv import attributes as a
from genotel.semconv import generation_metrics as g
from genotel.semconv.recorded_series import Recorded
from genotel.semconv.spec import label_name
from tools.alert_cases.case import series

MODEL = label_name(a.MODEL)
OF_MODEL = {"job": "genotel", MODEL: "sdxl"}


def calls(outcome: str) -> str:
    """Return the series of calls of the model sdxl with an outcome."""
    return series(g.REQUESTS, MODEL="sdxl", OUTCOME=outcome)


def recorded(one: Recorded) -> str:
    """Return a recorded series of the model sdxl."""
    return f'{one.name}{{job="genotel",{MODEL}="sdxl"}}'


OK, ERROR, MEMORY = calls("ok"), calls("error"), calls("out_of_memory")
