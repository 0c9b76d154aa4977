"""Alerts on models that run out of memory, are loaded over and over, or do not load."""

from __future__ import annotations

from genotel.promql import alert_queries as q
from genotel.rules.rule import Alert, Group, Severity
from genotel.semconv import dashboard_names as d

_MEMORY_STEPS = (
    "what else is on the GPU? `nvidia-smi`, or the dashboard's memory by program.",
    "smaller: resolution, frames, batch; or offloading and tiling of the decoder.",
    "restart the program when the memory it holds does not go down between calls.",
)
GROUP = Group(
    "models",
    "inference",
    "Memory and loading of models.",
    (
        Alert(
            "GenotelOutOfMemory",
            q.OUT_OF_MEMORY,
            Severity.WARNING,
            "A call ran out of memory.",
            "<number> calls of <model> ran out of memory in 10 minutes.",
            _MEMORY_STEPS,
            "The calls failed; the next of the same size will too.",
            (d.MODEL, "Calls by outcome"),
            variables=("model",),
        ),
        Alert(
            "GenotelOutOfMemoryRepeatedly",
            q.OUT_OF_MEMORY_OFTEN,
            Severity.CRITICAL,
            "A model runs out of memory again and again.",
            "<number> calls of <model> ran out of memory in 10 minutes.",
            _MEMORY_STEPS,
            "The model serves next to nobody.",
            (d.MODEL, "Calls by outcome"),
            keep="5m",
            variables=("model",),
        ),
        Alert(
            "GenotelModelThrashing",
            q.THRASHING,
            Severity.WARNING,
            "A model is loaded over and over.",
            "<model> was loaded <number> times in 30 minutes on <instance>: more models take turns than fit.",
            (
                "`genotel recommend`: which models should stay, which can go?",
                "which models alternate? See loads by model.",
                "keep this one resident, or move one of them to another GPU.",
            ),
            "Calls wait for loading instead of being worked on.",
            (d.MODEL, "Loads"),
            variables=("instance", "model"),
        ),
        Alert(
            "GenotelModelLoadFails",
            q.LOADS_FAIL,
            Severity.WARNING,
            "A model cannot be loaded.",
            "<number> loads of <model> failed in 10 minutes.",
            (
                "the program's log: file missing, damaged, or no memory?",
                "`df -h` and the permissions of the folder of models.",
                "load it by hand in a shell of the program's user.",
            ),
            "The model answers nobody until it loads.",
            (d.MODEL, "Loads"),
            variables=("model",),
        ),
    ),
)
