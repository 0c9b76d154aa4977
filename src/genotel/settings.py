"""Every setting of genotel: arguments, environment, genotel.toml, defaults, in this order.

This is the only reader of ``GENOTEL_*`` and ``OTEL_*`` variables and of ``genotel.toml``. All
mistakes are collected and refused at once, each naming its argument, variable or key.

A setting is one field with its parser and, where there is one, its variable. Its section in
``genotel.toml`` is the name of its dataclass in :class:`Settings`; its argument is the field's name
(``configure(port=…)``), since no two sections share one.
"""

from __future__ import annotations

import dataclasses
import os
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from genotel.errors import SettingsError

CONFIG_VARIABLE = "GENOTEL_CONFIG"
CONFIG_NAME = "genotel.toml"

_TRUE = frozenset({"true", "1", "yes", "on"})
_FALSE = frozenset({"false", "0", "no", "off", ""})


def _text(value: object) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError("expected a text that is not empty")
    return value


def _boolean(value: object) -> bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.strip().lower() in _TRUE | _FALSE:
        return value.strip().lower() in _TRUE
    raise ValueError("expected true or false")


def _number(low: float, high: float) -> Callable[[object], float]:
    def parse(value: object) -> float:
        try:
            number = float(value) if isinstance(value, int | float | str) and not isinstance(value, bool) else None
        except ValueError:
            number = None
        if number is None or not low <= number <= high:
            raise ValueError(f"expected a number from {low:g} to {high:g}")
        return number

    return parse


def _integer(low: int, high: int) -> Callable[[object], int]:
    def parse(value: object) -> int:
        try:
            number = int(value) if isinstance(value, int | str) and not isinstance(value, bool) else None
        except ValueError:
            number = None
        if number is None or not low <= number <= high:
            raise ValueError(f"expected a whole number from {low} to {high}")
        return number

    return parse


def _names(value: object) -> tuple[str, ...]:
    parts = value.split(",") if isinstance(value, str) else value
    if not isinstance(parts, list | tuple) or not all(isinstance(part, str) for part in parts):
        raise ValueError("expected names, separated by commas")
    return tuple(part.strip() for part in parts if part.strip())


def _pairs(value: object) -> tuple[tuple[str, str], ...]:
    if not isinstance(value, Mapping) or not all(isinstance(part, str) for pair in value.items() for part in pair):
        raise ValueError('expected a table of texts, { "pattern" = "name" }')
    return tuple(value.items())


def _collector_names(value: object) -> tuple[str, ...]:
    names = _names(value)
    return () if names == ("none",) else names


def _journal_path(value: object) -> Path | None:
    if value is None or value is False:
        return None
    if value is True or (isinstance(value, str) and value.strip().lower() in {"on", "true", "default"}):
        return default_journal_path()
    if isinstance(value, Path):
        return value
    text = _text(value)
    return None if text.strip().lower() in {"off", "false", "none"} else Path(text).expanduser()


def _folder(value: object) -> Path | None:
    if isinstance(value, Path):
        return value
    text = _text(value)
    return None if text.strip().lower() in {"off", "false", "none"} else Path(text).expanduser()


def _setting(default: Any, parse: Callable[[object], Any], variable: str | None = None) -> Any:
    return field(default=default, metadata={"parse": parse, "variable": variable})


@dataclass(frozen=True, slots=True, kw_only=True)
class PageSettings:
    """Say where the metrics page is served; port 0 takes any free one."""

    page: bool = _setting(True, _boolean, "GENOTEL_PAGE")
    host: str = _setting("127.0.0.1", _text, "OTEL_EXPORTER_PROMETHEUS_HOST")
    port: int = _setting(9464, _integer(0, 65535), "OTEL_EXPORTER_PROMETHEUS_PORT")


@dataclass(frozen=True, slots=True, kw_only=True)
class SdkSettings:
    """Say what the SDK does inside the user's program."""

    disabled: bool = _setting(False, _boolean, "OTEL_SDK_DISABLED")
    spans: bool = _setting(True, _boolean, "GENOTEL_SPANS")
    models: tuple[str, ...] = _setting((), _names, "GENOTEL_MODELS")
    handle_signals: bool = _setting(False, _boolean, "GENOTEL_HANDLE_SIGNALS")
    semconv_opt_in: tuple[str, ...] = _setting((), _names, "OTEL_SEMCONV_STABILITY_OPT_IN")


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalSettings:
    """Say where call records are kept (None: nowhere) and for how long, in days."""

    journal: Path | None = _setting(None, _journal_path, "GENOTEL_JOURNAL")


@dataclass(frozen=True, slots=True, kw_only=True)
class SpoolSettings:
    """Say in which folder the processes of one service leave their values for each other (None: nowhere).

    ``spool_exact`` counts calls in shared memory, so that a killed process loses none of them.
    """

    spool: Path | None = _setting(None, _folder, "GENOTEL_SPOOL")
    spool_exact: bool = _setting(False, _boolean, "GENOTEL_SPOOL_EXACT")


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectorSettings:
    """Say which collectors run: names, ``all``, or nothing."""

    collectors: tuple[str, ...] = _setting((), _collector_names, "GENOTEL_COLLECTORS")


@dataclass(frozen=True, slots=True, kw_only=True)
class GpuSettings:
    """Say how GPUs are watched: how many there should be, and what costs extra.

    ``gpu_links`` reads PCIe and NVLink, which may take 40 ms a card; ``gpu_pids`` gives each process a
    series of its own.
    """

    gpu_expected: int = _setting(0, _integer(0, 1024), "GENOTEL_GPU_EXPECTED")
    gpu_interval_seconds: float = _setting(5.0, _number(0.1, 3600))
    gpu_links: bool = _setting(False, _boolean)
    gpu_pids: bool = _setting(False, _boolean)


@dataclass(frozen=True, slots=True, kw_only=True)
class InventorySettings:
    """Say where models lie beside the places that are known, and what they are called in use.

    ``model_folders`` are paths or ``name=path``; ``model_names`` maps patterns of names on disk to names
    in use, where ``{stem}`` is a file's name without its suffix. Stores are asked for what is new every
    interval; what is known is looked at again after the rescan time.
    """

    model_folders: tuple[str, ...] = _setting((), _names, "GENOTEL_MODEL_FOLDERS")
    model_names: tuple[tuple[str, str], ...] = _setting((), _pairs)
    inventory_interval_seconds: float = _setting(300.0, _number(1, 86400))
    inventory_rescan_seconds: float = _setting(3600.0, _number(1, 604800))


@dataclass(frozen=True, slots=True, kw_only=True)
class OtlpSettings:
    """Say where telemetry is pushed to; OpenTelemetry's exporters read the details themselves."""

    otlp_endpoint: str | None = _setting(None, _text, "OTEL_EXPORTER_OTLP_ENDPOINT")
    otlp_traces_endpoint: str | None = _setting(None, _text, "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
    otlp_metrics_endpoint: str | None = _setting(None, _text, "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT")
    otlp_protocol: str = _setting("http/protobuf", _text, "OTEL_EXPORTER_OTLP_PROTOCOL")
    # Who exports where `opentelemetry-instrument` sets the program up.
    metrics_exporters: tuple[str, ...] = _setting((), _names, "OTEL_METRICS_EXPORTER")
    traces_exporters: tuple[str, ...] = _setting((), _names, "OTEL_TRACES_EXPORTER")


@dataclass(frozen=True, slots=True, kw_only=True)
class AdviceSettings:
    """Hold the classic rules' thresholds (days, uses a day, ratios from 0 to 1) and how long a history is kept."""

    cleanup_threshold_days: float = _setting(30.0, _number(1, 3650))
    min_uses_per_day: float = _setting(0.1, _number(0, 1e6))
    min_success: float = _setting(0.5, _number(0, 1))
    preload_threshold_frequency: float = _setting(0.5, _number(0, 1e6))
    performance_window_days: float = _setting(7.0, _number(1, 3650))
    cache_ttl_minutes: float = _setting(15.0, _number(0, 1440))
    priority_high_uses_per_day: float = _setting(1.0, _number(0, 1e6))
    priority_medium_uses_per_day: float = _setting(0.1, _number(0, 1e6))


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportSettings:
    """Say how long records are kept, in days."""

    retention_days: int = _setting(90, _integer(1, 3650))


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Hold every setting, one frozen dataclass a section.

    Example:
        >>> load_settings({"port": 0}, environ={}).page.port
        0
    """

    page: PageSettings = PageSettings()
    sdk: SdkSettings = SdkSettings()
    journal: JournalSettings = JournalSettings()
    spool: SpoolSettings = SpoolSettings()
    collectors: CollectorSettings = CollectorSettings()
    gpu: GpuSettings = GpuSettings()
    inventory: InventorySettings = InventorySettings()
    otlp: OtlpSettings = OtlpSettings()
    advice: AdviceSettings = AdviceSettings()
    export: ExportSettings = ExportSettings()


def default_journal_path(environ: Mapping[str, str] | None = None) -> Path:
    """Return ``$XDG_STATE_HOME/genotel/journal.db``, where a journal is kept unless told otherwise."""
    environ = os.environ if environ is None else environ
    state = environ.get("XDG_STATE_HOME") or os.path.join(os.path.expanduser("~"), ".local", "state")
    return Path(state) / "genotel" / "journal.db"


def variable_of(name: str) -> str:
    """Return the environment variable of a setting.

    Example:
        >>> variable_of("port")
        'OTEL_EXPORTER_PROMETHEUS_PORT'
    """
    for section in dataclasses.fields(Settings):
        for setting in dataclasses.fields(section.default):  # type: ignore[arg-type]  # each default is one of ours
            if setting.name == name and setting.metadata["variable"]:
                return str(setting.metadata["variable"])
    raise KeyError(name)


def load_settings(
    arguments: Mapping[str, object] | None = None,
    *,
    defaults: Mapping[str, object] | None = None,
    environ: Mapping[str, str] | None = None,
    config: Path | None = None,
) -> Settings:
    """Read every setting from arguments, environment and ``genotel.toml``, in this order.

    Args:
        arguments: settings by field name; a value of None counts as not given.
        defaults: what a command has instead of the default that is written here.
        environ: the environment, by default that of the process.
        config: a ``genotel.toml``; by default ``$GENOTEL_CONFIG``, else ``genotel.toml`` in the
            working folder if there is one.

    Raises:
        SettingsError: naming every mistake that was found.
    """
    environ = os.environ if environ is None else environ
    defaults = defaults or {}
    given = {name: value for name, value in (arguments or {}).items() if value is not None}
    mistakes: list[str] = []
    file, tables = _read_config(config, environ, mistakes)
    sections: dict[str, Any] = {}
    known: set[str] = set()
    for section in dataclasses.fields(Settings):
        values: dict[str, object] = {}
        table = tables.pop(section.name, {})
        if not isinstance(table, dict):
            mistakes.append(f"{file}: [{section.name}] must be a table")
            table = {}
        for setting in dataclasses.fields(type(section.default)):  # type: ignore[arg-type]  # each default is one of ours
            known.add(setting.name)
            variable = setting.metadata["variable"]
            in_file = table.pop(setting.name, None)
            if setting.name in given:
                source, raw = f"argument {setting.name}", given[setting.name]
            elif variable and environ.get(variable):
                source, raw = f"variable {variable}", environ[variable]
            elif in_file is not None:
                source, raw = f"{file}: {section.name}.{setting.name}", in_file
            elif setting.name in defaults:
                source, raw = f"default {setting.name}", defaults[setting.name]
            else:
                continue
            try:
                values[setting.name] = setting.metadata["parse"](raw)
            except ValueError as error:
                mistakes.append(f"{source} is {raw!r}: {error}")
        mistakes += [f"{file}: unknown key {section.name}.{key}" for key in table]
        sections[section.name] = dataclasses.replace(section.default, **values)  # type: ignore[type-var]  # as above
    mistakes += [f"{file}: unknown section [{name}]" for name in tables]
    mistakes += [f"unknown argument {name}" for name in given if name not in known]
    if mistakes:
        raise SettingsError("; ".join(mistakes))
    return Settings(**sections)


def _read_config(config: Path | None, environ: Mapping[str, str], mistakes: list[str]) -> tuple[str, dict[str, Any]]:
    named = config or (Path(environ[CONFIG_VARIABLE]) if environ.get(CONFIG_VARIABLE) else None)
    path = named or Path(CONFIG_NAME)
    try:
        return str(path), tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        if named is not None:
            mistakes.append(f"{path}: no such file")
    except (OSError, UnicodeDecodeError) as error:
        mistakes.append(f"{path}: cannot be read ({type(error).__name__})")
    except tomllib.TOMLDecodeError as error:
        mistakes.append(f"{path}: not TOML: {error}")
    return str(path), {}
