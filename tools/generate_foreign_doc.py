"""Render ``docs/foreign-servers.md`` from the tables in ``genotel.semconv.foreign_servers``."""

from __future__ import annotations

from genotel.semconv.foreign import NO_MODEL_LABEL, Amount, Calls, ForeignGpus, ForeignServer, Seconds
from genotel.semconv.foreign_servers import GPU_EXPORTERS, SERVERS

INTRODUCTION = """\
# Servers that are measured already

genotel's recommender works on the metrics that other servers and exporters emit, without our SDK: their names are
mapped to ours below. This page is generated from `src/genotel/semconv/foreign_servers.py`: run `make generate`.

```
genotel recommend --prometheus http://localhost:9090                  # ours and every server of this page that is found
genotel recommend --prometheus http://localhost:9090 --source vllm    # that one alone; ours is called genotel
```

What is found is used: one query asks for all names at once. Calls are counted as ours are, restarts included. Where two
sources know one model in one hour, one of them tells of it: ours, then the order of this page. So nothing is counted
twice under one name; a proxy that renames models counts them under its own. `measured_by` in the evidence of each line
says who counted.

Nothing of these servers was run for this page. The names are those of the document that each row gives; the tests feed
pages written by hand with these names to a real Prometheus.

## A server that is not here

Say in `genotel.toml` how its calls are counted; [settings.md](settings.md) has every key of `[sources]`:

```toml
[sources]
requests = 'my_requests_total{env="prod"}'       # a counter: calls are counted exactly, restarts included
failures = 'my_requests_total{env="prod",code=~"5.."}'
duration = 'my_request_seconds'                   # a histogram in seconds
loads = 'my_model_load_seconds'                   # another
model_label = "model"
```

`requests` and `failures` may also be any PromQL that gives, by model, how many there were in a window `$window`:
`sum by (model) (increase(my_requests_total[$window]))`. Such a number is as exact as its query.

## Calls

"""
GPUS = """
## GPUs

Bytes, ratios, watts and degrees Celsius after the factor.

"""


def foreign_servers_page() -> str:
    """Return the text of ``docs/foreign-servers.md``."""
    parts = [INTRODUCTION]
    parts += [_server(server) for server in SERVERS]
    parts.append(GPUS)
    parts += [_gpus(exporter) for exporter in GPU_EXPORTERS]
    return "".join(parts).rstrip("\n") + "\n"


def _server(server: ForeignServer) -> str:
    model = server.model_label if server.model_label != NO_MODEL_LABEL else f"none; the scrape's `{NO_MODEL_LABEL}`"
    rows = [("model", f"`{model}`" if server.model_label != NO_MODEL_LABEL else model)]
    rows += [(_calls_title(server, calls), _calls(calls)) for calls in server.calls]
    rows += [(title, _seconds(value)) for title, value in (("durations", server.durations), ("loads", server.loads))]
    rows += [(title, _amount(getattr(server, field))) for field, title in _SERVER_AMOUNTS]
    return _section(server.name, server.title, rows, server.documented, server.caveat)


def _gpus(exporter: ForeignGpus) -> str:
    rows = [("card", f"`{exporter.gpu_label}`")]
    rows += [(title, _amount(getattr(exporter, field))) for field, title in _GPU_AMOUNTS]
    return _section(exporter.name, exporter.title, rows, exporter.documented, exporter.caveat)


_SERVER_AMOUNTS = (
    ("running", "calls running"),
    ("waiting", "calls waiting"),
    ("first_token", "time to first token"),
    ("between_tokens", "time per output token"),
    ("input_tokens", "input tokens"),
    ("output_tokens", "output tokens"),
    ("cache_used", "key-value cache in use"),
)
_GPU_AMOUNTS = (
    ("memory_used", "memory in use"),
    ("memory_free", "memory free"),
    ("memory_total", "memory in all"),
    ("utilization", "busy"),
    ("temperature", "temperature"),
    ("power", "power"),
)


def _section(name: str, title: str, rows: list[tuple[str, str]], documented: str, caveat: str) -> str:
    table = "".join(f"| {what} | {text} |\n" for what, text in rows if text)
    remark = f"{caveat} " if caveat else ""
    return f"### `{name}`: {title}\n\n| ours | theirs |\n|---|---|\n{table}\n{remark}Names from: {documented}.\n\n"


def _calls_title(server: ForeignServer, calls: Calls) -> str:
    if server.is_activity:
        return "uses (a lower bound)"
    return f"calls, `{calls.outcome}`" if calls.outcome else "calls, outcome not known"


def _calls(calls: Calls) -> str:
    inside = ",".join(f'{label}{operator}"{value}"' for label, operator, value in calls.matchers)
    # A bar ends a cell of a table.
    return f"`{calls.name}{{{inside}}}`".replace("|", "\\|") if inside else f"`{calls.name}`"


def _seconds(seconds: Seconds | None) -> str:
    if seconds is None:
        return ""
    factor = "" if seconds.scale == 1.0 else f" × {seconds.scale:g}"
    return f"`{seconds.seconds}`{factor} over `{seconds.count}`"


def _amount(amount: Amount | None) -> str:
    if amount is None:
        return ""
    return f"`{amount.name}`" if amount.scale == 1.0 else f"`{amount.name}` × {amount.scale:g}"
