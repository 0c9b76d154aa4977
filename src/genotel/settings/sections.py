"""What can be set: one frozen dataclass a section of ``genotel.toml``.

A setting is one field with its parser and, where there is one, its variable. Its section in
``genotel.toml`` is the name of its dataclass in :class:`Settings`; its argument is the field's name
(``configure(port=…)``), since no two sections share one.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from genotel.settings.parsing import (
    integer_parser,
    number_parser,
    parse_boolean,
    parse_collector_names,
    parse_folder,
    parse_journal_path,
    parse_names,
    parse_pairs,
    parse_text,
)


def _setting(default: Any, parse: Callable[[object], Any], variable: str | None = None) -> Any:
    return field(default=default, metadata={"parse": parse, "variable": variable})


@dataclass(frozen=True, slots=True, kw_only=True)
class PageSettings:
    """Say where the metrics page is served; port 0 takes any free one."""

    page: bool = _setting(True, parse_boolean, "GENOTEL_PAGE")
    host: str = _setting("127.0.0.1", parse_text, "OTEL_EXPORTER_PROMETHEUS_HOST")
    port: int = _setting(9464, integer_parser(0, 65535), "OTEL_EXPORTER_PROMETHEUS_PORT")


@dataclass(frozen=True, slots=True, kw_only=True)
class SdkSettings:
    """Say what the SDK does inside the user's program."""

    disabled: bool = _setting(False, parse_boolean, "OTEL_SDK_DISABLED")
    spans: bool = _setting(True, parse_boolean, "GENOTEL_SPANS")
    models: tuple[str, ...] = _setting((), parse_names, "GENOTEL_MODELS")
    handle_signals: bool = _setting(False, parse_boolean, "GENOTEL_HANDLE_SIGNALS")
    semconv_opt_in: tuple[str, ...] = _setting((), parse_names, "OTEL_SEMCONV_STABILITY_OPT_IN")


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalSettings:
    """Say where call records are kept (None: nowhere) and for how long, in days."""

    journal: Path | None = _setting(None, parse_journal_path, "GENOTEL_JOURNAL")


@dataclass(frozen=True, slots=True, kw_only=True)
class SpoolSettings:
    """Say in which folder the processes of one service leave their values for each other (None: nowhere).

    ``spool_exact`` counts calls in shared memory, so that a killed process loses none of them.
    """

    spool: Path | None = _setting(None, parse_folder, "GENOTEL_SPOOL")
    spool_exact: bool = _setting(False, parse_boolean, "GENOTEL_SPOOL_EXACT")


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectorSettings:
    """Say which collectors run: names, ``all``, or nothing."""

    collectors: tuple[str, ...] = _setting((), parse_collector_names, "GENOTEL_COLLECTORS")


@dataclass(frozen=True, slots=True, kw_only=True)
class GpuSettings:
    """Say how GPUs are watched: how many there should be, and what costs extra.

    ``gpu_links`` reads PCIe and NVLink, which may take 40 ms a card; ``gpu_pids`` gives each process a
    series of its own.
    """

    gpu_expected: int = _setting(0, integer_parser(0, 1024), "GENOTEL_GPU_EXPECTED")
    gpu_interval_seconds: float = _setting(5.0, number_parser(0.1, 3600))
    gpu_links: bool = _setting(False, parse_boolean)
    gpu_pids: bool = _setting(False, parse_boolean)


@dataclass(frozen=True, slots=True, kw_only=True)
class InventorySettings:
    """Say where models lie beside the places that are known, and what they are called in use.

    ``model_folders`` are paths or ``name=path``; ``model_names`` maps patterns of names on disk to names
    in use, where ``{stem}`` is a file's name without its suffix. Stores are asked for what is new every
    interval; what is known is looked at again after the rescan time.
    """

    model_folders: tuple[str, ...] = _setting((), parse_names, "GENOTEL_MODEL_FOLDERS")
    model_names: tuple[tuple[str, str], ...] = _setting((), parse_pairs)
    inventory_interval_seconds: float = _setting(300.0, number_parser(1, 86400))
    inventory_rescan_seconds: float = _setting(3600.0, number_parser(1, 604800))


@dataclass(frozen=True, slots=True, kw_only=True)
class OtlpSettings:
    """Say where telemetry is pushed to; OpenTelemetry's exporters read the details themselves."""

    otlp_endpoint: str | None = _setting(None, parse_text, "OTEL_EXPORTER_OTLP_ENDPOINT")
    otlp_traces_endpoint: str | None = _setting(None, parse_text, "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
    otlp_metrics_endpoint: str | None = _setting(None, parse_text, "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT")
    otlp_protocol: str = _setting("http/protobuf", parse_text, "OTEL_EXPORTER_OTLP_PROTOCOL")
    # Who exports where `opentelemetry-instrument` sets the program up.
    metrics_exporters: tuple[str, ...] = _setting((), parse_names, "OTEL_METRICS_EXPORTER")
    traces_exporters: tuple[str, ...] = _setting((), parse_names, "OTEL_TRACES_EXPORTER")


@dataclass(frozen=True, slots=True, kw_only=True)
class AdviceSettings:
    """Hold the classic rules' thresholds (days, uses a day, ratios from 0 to 1) and how long a history is kept."""

    cleanup_threshold_days: float = _setting(30.0, number_parser(1, 3650))
    min_uses_per_day: float = _setting(0.1, number_parser(0, 1e6))
    min_success: float = _setting(0.5, number_parser(0, 1))
    preload_threshold_frequency: float = _setting(0.5, number_parser(0, 1e6))
    performance_window_days: float = _setting(7.0, number_parser(1, 3650))
    cache_ttl_minutes: float = _setting(15.0, number_parser(0, 1440))
    priority_high_uses_per_day: float = _setting(1.0, number_parser(0, 1e6))
    priority_medium_uses_per_day: float = _setting(0.1, number_parser(0, 1e6))


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportSettings:
    """Say how long records are kept, in days."""

    retention_days: int = _setting(90, integer_parser(1, 3650))


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
