"""GPU memory and placement: how much is left, who holds it, what would fit, and what comes and goes."""

from __future__ import annotations

from genotel.dashboards.dashboard import Dashboard, Look, Panel, Query, Unit, Variable, named
from genotel.promql import gpu_panels as cards
from genotel.promql import vram_panels as q
from genotel.promql.panel_queries import MODELS
from genotel.semconv import attributes as a
from genotel.semconv import dashboard_names as names

_NO_GPU = "no GPU seen: genotel serve on the machine"
_NO_LOADS = "no loads recorded: model_load()"
_NO_PEAKS = "no peaks recorded: calls by torch on a GPU"
_CARD = named("instance", a.HARDWARE_ID)
_MODEL = named(a.MODEL)


def _model(title: str, unit: Unit, query: str, about: str, empty: str, look: Look = Look.LINES) -> Panel:
    return Panel(title, look, unit, (Query(query, _MODEL),), about, empty)


def _card(title: str, query: str, about: str, look: Look = Look.LINES) -> Panel:
    return Panel(title, look, Unit.BYTES, (Query(query, _CARD),), about, _NO_GPU)


DASHBOARD = Dashboard(
    names.VRAM,
    "genotel / GPU memory and placement",
    "What is left on the cards, who holds the rest, what would fit, which models come and go.",
    (
        (
            "What fits",
            (
                Panel(
                    "Most memory left on a card",
                    Look.TILE,
                    Unit.BYTES,
                    (Query(q.ROOMIEST, "left"),),
                    "Of the card with the most memory left: a larger model does not fit anywhere.",
                    _NO_GPU,
                    width=6,
                ),
                Panel(
                    "Room beside each model",
                    Look.TABLE,
                    Unit.BYTES,
                    (
                        Query(q.PEAK, "Peak of a call (p99)", Unit.BYTES),
                        Query(q.FITS, "Left on the roomiest card with it", Unit.BYTES),
                    ),
                    "Peak of each model over what is shown, and what the roomiest card would have left with one more of"
                    " it; below 0 it does not fit.",
                    _NO_PEAKS,
                    width=18,
                    model_link=True,
                ),
                _card("Memory left", cards.MEMORY_FREE, "What another model could have."),
                _model("Calls out of memory", Unit.COUNT, q.OUT_OF_MEMORY, "Calls that ran out of it.", "no calls"),
            ),
        ),
        (
            "Who holds it",
            (
                Panel(
                    "Memory by program and model",
                    Look.STACK,
                    Unit.BYTES,
                    (
                        Query(cards.MEMORY_BY_PROGRAM, f"{_CARD} {named(a.PROCESS_NAME, a.MODEL)}"),
                        Query(cards.MEMORY_UNKNOWN, f"{_CARD} nobody that is seen"),
                    ),
                    "Who holds it; the model where it is known; and what belongs to nobody that is seen.",
                    "no program on a GPU",
                    width=16,
                ),
                _card("Kept by the driver", q.RESERVED, "Memory that no program can have."),
            ),
        ),
        (
            "Coming and going",
            (
                Panel(
                    "Loaded",
                    Look.STATES,
                    Unit.COUNT,
                    (Query(q.RESIDENT, _MODEL),),
                    "In how many programs each model is loaded.",
                    _NO_LOADS,
                ),
                _model(
                    "Loaded and unused",
                    Unit.SECONDS,
                    q.IDLE_RESIDENT,
                    "Time since the last use of models that are loaded: the longest is the first to go.",
                    _NO_LOADS,
                ),
                Panel(
                    "Loads, unloads, evictions",
                    Look.LINES,
                    Unit.COUNT,
                    (Query(q.EVENTS, named(a.MODEL, a.EVENT)),),
                    "Many loads and unloads of two models are two that take turns.",
                    _NO_LOADS,
                ),
                Panel(
                    "Loads for each call",
                    Look.TABLE,
                    Unit.SHARE,
                    (
                        Query(q.COLD_SHARE, "Loads for each call", Unit.SHARE),
                        Query(q.LOAD_P95, "Load time p95", Unit.SECONDS),
                    ),
                    "Over what is shown; 100 % is a load before every call: keep it loaded.",
                    _NO_LOADS,
                    width=16,
                ),
            ),
        ),
    ),
    (Variable("model", "Model", MODELS), Variable("gpu", "GPU", cards.GPUS)),
)
