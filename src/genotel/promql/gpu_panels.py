"""What the dashboards ask about GPUs."""

from __future__ import annotations

from genotel.promql import panel_queries as p
from genotel.promql.selecting import Matcher, label
from genotel.semconv import attributes as a
from genotel.semconv import gpu_metrics as g
from genotel.semconv.spec import MetricSpec, label_name

UUID = label_name(a.HARDWARE_ID)
CHOSEN: Matcher = (UUID, "=~", "$gpu")
GPUS = f"label_values({p.here(g.INFO)}, {UUID})"


def _card(spec: MetricSpec, *labels: str, matchers: tuple[Matcher, ...] = ()) -> str:
    return p.greatest(p.here(spec, CHOSEN, *matchers), "instance", UUID, *labels)


SEEN = p.total(p.here(g.SEEN))
EXPECTED = p.total(p.here(g.EXPECTED))
_NAMES = tuple(label_name(key) for key in (a.GPU_INDEX, a.HARDWARE_NAME, a.HARDWARE_DRIVER))
LIST = f"count by (instance, {UUID}, {', '.join(_NAMES)}) ({p.here(g.INFO, CHOSEN)})"
STATE = f"{_card(g.STATUS, label_name(a.HARDWARE_STATE))} == 1"
AGE = _card(g.AGE)
BUSY = _card(g.UTILIZATION, label_name(a.GPU_TASK))
MEMORY_SHARE = _card(g.MEMORY_UTILIZATION)
MEMORY_USED, MEMORY_LIMIT = _card(g.MEMORY_USAGE), _card(g.MEMORY_LIMIT)
MEMORY_FREE = f"{MEMORY_LIMIT} - {MEMORY_USED}"
_HOLDER = (label_name(a.PROCESS_NAME), label_name(a.MODEL))
MEMORY_BY_PROGRAM = p.total(p.here(g.PROCESS_MEMORY, CHOSEN), "instance", UUID, *_HOLDER)
MEMORY_UNKNOWN = _card(g.MEMORY_UNATTRIBUTED)
TEMPERATURE = _card(g.TEMPERATURE, label_name(a.SENSOR_LOCATION))
SLOWDOWN = _card(g.TEMPERATURE_LIMIT, matchers=(label(a.KIND, "=", "slowdown"),))
MARGIN = f"{SLOWDOWN} - {_card(g.TEMPERATURE, matchers=(label(a.SENSOR_LOCATION, '=', 'gpu'),))}"
POWER = _card(g.POWER)
POWER_SHARE = f"{POWER} / ({_card(g.POWER_LIMIT)} > 0)"
ENERGY = p.rate(p.here(g.ENERGY, CHOSEN), "instance", UUID)
FAN = _card(g.FAN_SPEED)
CLOCK = _card(g.CLOCK, label_name(a.GPU_CLOCK))
PERFORMANCE_STATE = _card(g.PERFORMANCE_STATE)
THROTTLING = p.rate(p.here(g.THROTTLE_TIME, CHOSEN), "instance", UUID, label_name(a.REASON))
ERRORS = p.grown(p.here(g.ERRORS, CHOSEN), "instance", UUID, label_name(a.ERROR_TYPE))
RECOVERY = _card(g.RECOVERY_ACTION)
