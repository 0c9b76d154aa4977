"""What all calls of one label set share: its numbers, span name and attributes, ready-made."""

from __future__ import annotations

from genotel.instrumentation import accumulators
from genotel.instrumentation.accumulators import CallKey
from genotel.instrumentation.context import tags
from genotel.instrumentation.model_name import model_name
from genotel.semconv import attributes as a

# operation, provider, model, output type
What = tuple[str, str, str, str | None]


class Site:
    """Keep what all calls of one label set and output type share, ready-made."""

    __slots__ = ("key", "model_totals", "output", "span_attributes", "span_name", "totals")

    def __init__(self, key: CallKey, output: str | None) -> None:
        self.key = key
        self.output = output
        self.totals = accumulators.call_totals(key)
        self.model_totals = accumulators.model_totals(key.model)
        self.span_name = f"{key.operation} {key.model}"
        # The span keeps the real names; only labels of metrics are capped.
        self.span_attributes: dict[str, str] = {
            a.OPERATION: key.operation,
            a.PROVIDER: key.provider,
            a.MODEL: key.model,
        }
        if output is not None:
            self.span_attributes[a.OUTPUT_TYPE] = output
        if key.experiment is not None:
            self.span_attributes[a.EXPERIMENT] = key.experiment
        if key.variant is not None:
            self.span_attributes[a.VARIANT] = key.variant


_sites: dict[tuple[What, tuple[str, str | None] | None], Site] = {}


def site_for(what: What) -> Site:
    """Return the site of a call made here and now, under the experiment that is set."""
    key = (what, tags.get())
    site = _sites.get(key)
    if site is None or site.totals.stale:
        if len(_sites) >= accumulators.MAX_LABEL_SETS:
            _sites.clear()
        operation, provider, model, output = what
        experiment, variant = key[1] or (None, None)
        named = CallKey(str(operation), str(provider), model_name(model), experiment, variant)
        site = _sites[key] = Site(named, None if output is None else str(output))
    return site
