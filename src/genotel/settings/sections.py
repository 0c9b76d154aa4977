"""What can be set: one frozen dataclass a section of ``genotel.toml``.

A setting is one field with its parser, its variable where there is one, and one sentence for people with
its unit. Its section in ``genotel.toml`` is the name of its dataclass in :class:`Settings`; its argument is
the field's name (``configure(port=…)``), since no two sections share one. ``docs/settings.md`` and
``examples/genotel.toml`` are made from here.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path

from genotel.semconv.generation_metrics import NEWER_OPT_IN
from genotel.settings.alert_sections import AlertSettings, SloSettings
from genotel.settings.parsing import (
    integer_parser,
    number_parser,
    parse_boolean,
    parse_collector_names,
    parse_content_capture,
    parse_file,
    parse_folder,
    parse_journal_path,
    parse_names,
    parse_pairs,
    parse_text,
)
from genotel.settings.reading_sections import AdviceSettings, ExportSettings
from genotel.settings.setting import setting
from genotel.settings.source_section import SourceSettings
from genotel.settings.watch_section import WatchSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class PageSettings:
    """Say where the metrics page is served; port 0 takes any free one."""

    page: bool = setting(True, parse_boolean, "GENOTEL_PAGE", help="Whether a page of metrics is served.")
    host: str = setting(
        "127.0.0.1",
        parse_text,
        "OTEL_EXPORTER_PROMETHEUS_HOST",
        help="Address to serve on: 0.0.0.0 or :: for every network of the machine, unix:/path for a Unix socket.",
    )
    port: int = setting(
        9464,
        integer_parser(0, 65535),
        "OTEL_EXPORTER_PROMETHEUS_PORT",
        help="TCP port to serve on; 0 takes any free one.",
    )
    web_config_file: Path | None = setting(
        None,
        parse_file,
        "GENOTEL_WEB_CONFIG_FILE",
        help="Web configuration file: TLS, users, headers, rate limit (docs/serving.md).",
        example="web.yml",
    )
    web_systemd_socket: bool = setting(
        False,
        parse_boolean,
        "GENOTEL_WEB_SYSTEMD_SOCKET",
        help="Whether to serve the sockets that systemd hands over, instead of the address.",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class SdkSettings:
    """Say what the SDK does inside the user's program."""

    disabled: bool = setting(False, parse_boolean, "OTEL_SDK_DISABLED", help="Whether genotel measures nothing at all.")
    spans: bool = setting(True, parse_boolean, "GENOTEL_SPANS", help="Whether calls make spans, too, for traces.")
    models: tuple[str, ...] = setting(
        (),
        parse_names,
        "GENOTEL_MODELS",
        help="Models whose counters are to begin at 0 before their first use.",
        example=["sdxl", "wan2.2-t2v-a14b"],
    )
    handle_signals: bool = setting(
        False,
        parse_boolean,
        "GENOTEL_HANDLE_SIGNALS",
        help="Whether SIGTERM writes what is buffered before it ends the program.",
    )
    semconv_opt_in: tuple[str, ...] = setting(
        (),
        parse_names,
        "OTEL_SEMCONV_STABILITY_OPT_IN",
        help="Newer vintages of OpenTelemetry's names to emit.",
        example=[NEWER_OPT_IN],
    )
    capture_message_content: bool = setting(
        False,
        parse_content_capture,
        "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT",
        help="Whether prompts and answers are written to spans: span_only or no_content. They may be private.",
        example="span_only",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalSettings:
    """Say where call records are kept (None: nowhere) and for how long, in days."""

    journal: Path | None = setting(
        None,
        parse_journal_path,
        "GENOTEL_JOURNAL",
        help="File of call records; on for $XDG_STATE_HOME/genotel/journal.db, off for none.",
        example="/var/lib/genotel/journal.db",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class SpoolSettings:
    """Say in which folder the processes of one service leave their values for each other (None: nowhere).

    ``spool_exact`` counts calls in shared memory, so that a killed process loses none of them.
    """

    spool: Path | None = setting(
        None,
        parse_folder,
        "GENOTEL_SPOOL",
        help="Folder in which the processes of one service leave their values for one page.",
        example="/run/genotel",
    )
    spool_exact: bool = setting(
        False,
        parse_boolean,
        "GENOTEL_SPOOL_EXACT",
        help="Whether calls are counted in shared memory, so that a killed process loses none.",
    )
    spool_targets_file: Path | None = setting(
        None,
        parse_file,
        help="File in which genotel serve lists the spool's processes for Prometheus' file_sd; its name ends in .json.",
        example="/etc/prometheus/targets/processes.json",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectorSettings:
    """Say which collectors run: names, ``all``, or nothing."""

    collectors: tuple[str, ...] = setting(
        (),
        parse_collector_names,
        "GENOTEL_COLLECTORS",
        help="Collectors of the machine's metrics: names, all, or none; genotel serve runs all by itself.",
        example=["all"],
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class GpuSettings:
    """Say how GPUs are watched: how many there should be, and what costs extra.

    ``gpu_links`` reads PCIe and NVLink, which may take 40 ms a card; ``gpu_pids`` gives each process a
    series of its own.
    """

    gpu_expected: int = setting(
        0,
        integer_parser(0, 1024),
        "GENOTEL_GPU_EXPECTED",
        help="GPUs that there should be, so that one that never came up is missed; 0: as many as were seen.",
    )
    gpu_interval_seconds: float = setting(
        5.0, number_parser(0.1, 3600), help="Time between two looks at the GPUs, in seconds."
    )
    gpu_links: bool = setting(
        False, parse_boolean, help="Whether traffic of PCIe and NVLink is read, which may take 40 ms a card."
    )
    gpu_pids: bool = setting(
        False, parse_boolean, help="Whether each process on a GPU gets a series of its own, by its number."
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class InventorySettings:
    """Say where models lie beside the places that are known, and what they are called in use.

    ``model_folders`` are paths or ``name=path``; ``model_names`` maps patterns of names on disk to names
    in use, where ``{stem}`` is a file's name without its suffix. Stores are asked for what is new every
    interval; what is known is looked at again after the rescan time.
    """

    model_folders: tuple[str, ...] = setting(
        (),
        parse_names,
        "GENOTEL_MODEL_FOLDERS",
        help="Folders of models beside the known ones: paths, or name=path.",
        example=["nas=/mnt/nas/models"],
    )
    model_names: tuple[tuple[str, str], ...] = setting(
        (),
        parse_pairs,
        help="Patterns of names on disk, and what such models are called in use; {stem} is the name without suffix.",
        example={"stabilityai/*xl-base*": "sdxl", "*.gguf": "{stem}"},
    )
    inventory_interval_seconds: float = setting(
        300.0, number_parser(1, 86400), help="Time between two searches for new models, in seconds."
    )
    inventory_rescan_seconds: float = setting(
        3600.0,
        number_parser(1, 604800),
        help="Time after which a model that did not seem to change is looked at again, in seconds.",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseSettings:
    """Say how often the catalogues of database servers are read; see ``genotel.watch_database``."""

    database_interval_seconds: float = setting(
        15.0,
        number_parser(1, 3600),
        help="Time between two readings of a PostgreSQL server's catalogue, in seconds.",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class OtlpSettings:
    """Say where telemetry is pushed to; OpenTelemetry's exporters read the details themselves."""

    otlp_endpoint: str | None = setting(
        None,
        parse_text,
        "OTEL_EXPORTER_OTLP_ENDPOINT",
        help="URL to push traces and metrics to by OTLP.",
        example="http://collector:4318",
    )
    otlp_traces_endpoint: str | None = setting(
        None,
        parse_text,
        "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
        help="URL to push traces to, instead of the one for both.",
        example="http://collector:4318/v1/traces",
    )
    otlp_metrics_endpoint: str | None = setting(
        None,
        parse_text,
        "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT",
        help="URL to push metrics to, instead of the one for both.",
        example="http://collector:4318/v1/metrics",
    )
    otlp_protocol: str = setting(
        "http/protobuf", parse_text, "OTEL_EXPORTER_OTLP_PROTOCOL", help="Protocol to push by, such as http/protobuf."
    )
    # Who exports where `opentelemetry-instrument` sets the program up.
    metrics_exporters: tuple[str, ...] = setting(
        (),
        parse_names,
        "OTEL_METRICS_EXPORTER",
        help="Exporters of metrics where opentelemetry-instrument sets the program up.",
        example=["genotel", "otlp"],
    )
    traces_exporters: tuple[str, ...] = setting(
        (),
        parse_names,
        "OTEL_TRACES_EXPORTER",
        help="Exporters of traces where opentelemetry-instrument sets the program up.",
        example=["otlp"],
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Hold every setting, one frozen dataclass a section.

    Example:
        >>> from genotel.settings import load_settings
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
    database: DatabaseSettings = DatabaseSettings()
    otlp: OtlpSettings = OtlpSettings()
    advice: AdviceSettings = AdviceSettings()
    alerts: AlertSettings = AlertSettings()
    slo: SloSettings = SloSettings()
    watch: WatchSettings = WatchSettings()
    sources: SourceSettings = SourceSettings()
    export: ExportSettings = ExportSettings()


def variable_of(name: str) -> str:
    """Return the environment variable of a setting.

    Example:
        >>> variable_of("port")
        'OTEL_EXPORTER_PROMETHEUS_PORT'
    """
    for section in dataclasses.fields(Settings):
        for known in dataclasses.fields(section.default):  # type: ignore[arg-type]  # each default is one of ours
            if known.name == name and known.metadata["variable"]:
                return str(known.metadata["variable"])
    raise KeyError(name)
