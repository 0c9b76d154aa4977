"""The keys by which instrumentations tell each other to be quiet, respected and set.

OpenTelemetry has one for everything; the GenAI instrumentations of others agreed on a second one, for
the calls of language models below a call that is already measured.
"""

from __future__ import annotations

from opentelemetry import context

EVERYTHING = "suppress_instrumentation"
LANGUAGE_MODELS = "suppress_language_model_instrumentation"

# OpenTelemetry makes its own key unique at each start of the program and does not publish it; the plain
# word is set beside it.
_KEYS = (
    EVERYTHING,
    LANGUAGE_MODELS,
    *(key for key in [getattr(context, "_SUPPRESS_INSTRUMENTATION_KEY", None)] if key is not None),
)


def is_suppressed() -> bool:
    """Return whether something around this call said that it must not be measured."""
    current = context.get_current()
    if not current:
        return False
    return any(current.get(key) for key in _KEYS)


def quiet(around: context.Context | None) -> context.Context:
    """Return the context in which others do not measure what is measured here."""
    return context.set_value(LANGUAGE_MODELS, True, around)
