"""What the dashboards ask about GPU memory: how much is left, who holds it, and what would fit."""

from __future__ import annotations

from genotel.promql import gpu_panels as cards
from genotel.promql import panel_queries as p
from genotel.promql.recorded_queries import MODEL, increase
from genotel.promql.selecting import label, ours
from genotel.semconv import attributes as a
from genotel.semconv import generation_metrics as g
from genotel.semconv import gpu_metrics as gpu
from genotel.semconv import model_metrics as m
from genotel.semconv.spec import label_name

_MODEL = (p.OF_MODEL,)
_EVENT = label_name(a.EVENT)
ROOMIEST = f"max({cards.MEMORY_FREE})"
PEAK = p.quantile(0.99, g.VRAM_PEAK, MODEL, matchers=_MODEL, window=p.SHOWN)
# Below 0 it does not fit, unless something is unloaded first.
FITS = f"{ROOMIEST} - on () group_right () ({PEAK})"
RESERVED = p.greatest(p.here(gpu.MEMORY_RESERVED, cards.CHOSEN), "instance", cards.UUID)
RESIDENT = p.total(p.of_model(m.RESIDENT), MODEL)
# A model that is loaded and was not used: how long ago it was.
IDLE_RESIDENT = f"(time() - {p.greatest(p.of_model(m.LAST_USED), MODEL)}) and on ({MODEL}) ({RESIDENT} > 0)"
_LOADS = p.of_model(m.EVENTS, label(a.EVENT, "=", a.EVENT_LOAD))
EVENTS = p.grown(p.of_model(m.EVENTS, label(a.EVENT, "=~", "load|unload|evict")), MODEL, _EVENT)
# For the time line of every dashboard, which has no list of models.
_MOVED = increase(ours(m.EVENTS, label(a.EVENT, "=~", f"{a.EVENT_LOAD}|{a.EVENT_UNLOAD}")), "5m", (MODEL, _EVENT))
MOVES = f"{_MOVED} > 0"
COLD_SHARE = (
    f"{p.grown(_LOADS, MODEL, window=p.SHOWN)} / ({p.grown(p.of_model(g.REQUESTS), MODEL, window=p.SHOWN)} > 0)"
)
LOAD_P95 = p.quantile(0.95, m.LOAD_DURATION, MODEL, matchers=_MODEL, window=p.SHOWN)
OUT_OF_MEMORY = p.grown(p.of_model(g.REQUESTS, label(a.OUTCOME, "=", a.OUTCOME_OUT_OF_MEMORY)), MODEL)
