"""The GPUs: how busy, how full, how hot, what slows them down, and what went wrong."""

from __future__ import annotations

from genotel.dashboards.dashboard import Dashboard, Look, Panel, Query, Unit, Variable, named
from genotel.promql import gpu_panels as q
from genotel.semconv import attributes as a
from genotel.semconv import dashboard_names as names

_NONE = "no GPU seen: genotel serve on the machine"
_CARD = named("instance", a.HARDWARE_ID)


def _lines(title: str, unit: Unit, query: str, about: str, *keys: str, empty: str = _NONE) -> Panel:
    return Panel(title, Look.LINES, unit, (Query(query, f"{_CARD} {named(*keys)}".strip()),), about, empty)


def _states(title: str, query: str, about: str, *keys: str) -> Panel:
    return Panel(title, Look.STATES, Unit.COUNT, (Query(query, f"{_CARD} {named(*keys)}".strip()),), about, _NONE)


DASHBOARD = Dashboard(
    names.GPU,
    "genotel / GPU",
    "The cards: work, memory, heat, power, errors.",
    (
        (
            "Cards",
            (
                Panel(
                    "GPUs that answer",
                    Look.TILE,
                    Unit.COUNT,
                    (Query(q.SEEN, "answer"), Query(q.EXPECTED, "expected")),
                    "Cards that answer, and cards that should.",
                    _NONE,
                    width=6,
                ),
                Panel(
                    "Cards",
                    Look.TABLE,
                    Unit.COUNT,
                    (Query(q.LIST),),
                    "Index, name and driver of each card.",
                    _NONE,
                    width=18,
                ),
                _states("State", q.STATE, "ok, degraded or failed.", a.HARDWARE_STATE),
                _lines("Age of readings", Unit.SECONDS, q.AGE, "A slope is a driver that hangs."),
            ),
        ),
        (
            "Work and memory",
            (
                _lines("GPU busy", Unit.SHARE, q.BUSY, "Share of time with work, by task.", a.GPU_TASK),
                _lines("GPU memory in use", Unit.SHARE, q.MEMORY_SHARE, "Share of the memory that is in use."),
                _lines("GPU memory free", Unit.BYTES, q.MEMORY_FREE, "What another model could have."),
                Panel(
                    "GPU memory by program",
                    Look.STACK,
                    Unit.BYTES,
                    (Query(q.MEMORY_BY_PROGRAM, f"{_CARD} {named(a.PROCESS_NAME, a.MODEL)}"),),
                    "Who holds it; the model where it is known.",
                    "no program on a GPU",
                ),
                _lines(
                    "Unattributed memory",
                    Unit.BYTES,
                    q.MEMORY_UNKNOWN,
                    "In use, and belongs to no program that is seen.",
                ),
            ),
        ),
        (
            "Heat and power",
            (
                Panel(
                    "Temperature",
                    Look.LINES,
                    Unit.CELSIUS,
                    (Query(q.TEMPERATURE, f"{_CARD} {named(a.SENSOR_LOCATION)}"), Query(q.SLOWDOWN, f"{_CARD} limit")),
                    "By sensor, and where the card slows down.",
                    _NONE,
                ),
                _lines("Temperature margin", Unit.CELSIUS, q.MARGIN, "Degrees left before the card slows down."),
                _lines("Fan", Unit.SHARE, q.FAN, "Speed of its fan, where it has one.", empty="no fans"),
                _lines("Power", Unit.WATTS, q.POWER, "What the card draws."),
                _lines("Power share", Unit.SHARE, q.POWER_SHARE, "What it draws of what it may."),
                _lines("Energy", Unit.WATTS, q.ENERGY, "Mean power by the card's own energy counter."),
                _lines(
                    "Throttling",
                    Unit.SHARE,
                    q.THROTTLING,
                    "Share of time in which a reason kept the clocks down.",
                    a.REASON,
                ),
                _lines("Clocks", Unit.HERTZ, q.CLOCK, "By domain.", a.GPU_CLOCK),
                _states("Performance state", q.PERFORMANCE_STATE, "0 is the fastest, 15 the slowest."),
            ),
        ),
        (
            "Errors",
            (
                Panel(
                    "Errors",
                    Look.LINES,
                    Unit.COUNT,
                    (Query(q.ERRORS, f"{_CARD} {named(a.ERROR_TYPE)}"),),
                    "XID codes and memory errors as they come.",
                    _NONE,
                    width=16,
                ),
                _states("Recovery action", q.RECOVERY, "What the driver asks for: 0 nothing, 1 reset, 2 reboot."),
            ),
        ),
    ),
    (Variable("gpu", "GPU", q.GPUS),),
)
