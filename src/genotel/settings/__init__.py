"""Every setting of genotel; the only reader of ``GENOTEL_*``, ``OTEL_*`` and ``genotel.toml``."""

from __future__ import annotations

from genotel.settings.alert_sections import AlertSettings, SloSettings
from genotel.settings.loading import CONFIG_NAME, CONFIG_VARIABLE, SettingsReading, load_settings, read_settings
from genotel.settings.objectives import Objective
from genotel.settings.parsing import default_journal_path
from genotel.settings.reading_sections import AdviceSettings, ExportSettings
from genotel.settings.sections import (
    CollectorSettings,
    DatabaseSettings,
    GpuSettings,
    InventorySettings,
    JournalSettings,
    OtlpSettings,
    PageSettings,
    SdkSettings,
    Settings,
    SpoolSettings,
    variable_of,
)
from genotel.settings.source_section import SourceSettings
from genotel.settings.watch_section import WatchSettings

__all__ = [
    "CONFIG_NAME",
    "CONFIG_VARIABLE",
    "AdviceSettings",
    "AlertSettings",
    "CollectorSettings",
    "DatabaseSettings",
    "ExportSettings",
    "GpuSettings",
    "InventorySettings",
    "JournalSettings",
    "Objective",
    "OtlpSettings",
    "PageSettings",
    "SdkSettings",
    "Settings",
    "SettingsReading",
    "SloSettings",
    "SourceSettings",
    "SpoolSettings",
    "WatchSettings",
    "default_journal_path",
    "load_settings",
    "read_settings",
    "variable_of",
]
