"""Cases of the alerts on models that do not answer, or badly."""

from __future__ import annotations

from collections.abc import Iterator

from genotel.semconv import generation_metrics as g
from tools.alert_cases.calls import ERROR, OF_MODEL, OK
from tools.alert_cases.case import WHERE, Case, series

TEN = "1 2 3 4 5 6 7 8 9 10"


def bucket(bound: str) -> str:
    """Return a bucket of the durations of sdxl."""
    return series(g.DURATION, "_bucket", MODEL="sdxl", le=bound)


def cases() -> Iterator[Case]:
    """Yield a case for each alert of the group."""
    up = series("up")
    yield Case(
        "GenotelTargetDown", WHERE, {up: "0x5"}, 5, {up: "1x3 0 0"}, {up: "0x5 1x10"}, 10, 11
    )  # fmt: skip
    yield Case(
        "GenotelNoSuccess",
        OF_MODEL,
        {ERROR: "0+1x15", OK: "0x15"},
        15,
        {ERROR: "0 0 1 2x12", OK: "0x15"},
        {ERROR: "0+1x15 15x5", OK: "0x15 1+1x5"},
        18,
        35,
    )
    yield Case(
        "GenotelLowVolumeErrors",
        OF_MODEL,
        {ERROR: f"0x300 {TEN} 10x49", OK: "0+0.1x360"},
        360,
        {ERROR: "0x300 1 2 3x57", OK: "0+0.1x360"},
        {ERROR: f"0x300 {TEN} 10x470", OK: "0+0.1x780"},
        780,
        780,
        step=10,
    )
    # Five calls a day, all of which fail since the second.
    rare = "0x287 1x287 2x287 3x287 4x287"
    yield Case(
        "GenotelNoSuccess",
        OF_MODEL,
        {ERROR: f"{rare} 5x287", OK: "1x1727"},
        1700,
        {ERROR: "0x575 1x575 2x575", OK: "1x1727"},
        {ERROR: f"{rare} 5x347", OK: "1x1710 2x60"},
        1760,
        1740,
        step=10,
    )
    yield Case(
        "GenotelTrafficStopped",
        OF_MODEL,
        {OK: "0+1x1440 1440x90"},
        1530,
        {OK: "0+0.25x1440 360x90"},
        {OK: "0+1x1440 1440x90 1441+1x60"},
        1560,
        1560,
        step=10,
    )
    slow = {bucket("1.28"): "0x{n}", bucket("2.56"): "0x{n}", bucket("5.12"): "0+1x{n}", bucket("+Inf"): "0+1x{n}"}
    good = "0x25 1+1x40"
    yield Case(
        "GenotelResponseSlow",
        OF_MODEL,
        {one: values.format(n=25) for one, values in slow.items()},
        25,
        {bucket("1.28"): "0+0.94x25", bucket("2.56"): "0+1x25", bucket("+Inf"): "0+1x25"},
        {bucket("1.28"): good, bucket("2.56"): good, bucket("5.12"): "0+1x65", bucket("+Inf"): "0+1x65"},
        50,
        60,
    )
