"""Every setting of genotel; the only reader of ``GENOTEL_*``, ``OTEL_*`` and ``genotel.toml``."""

from __future__ import annotations

from genotel.settings.loading import CONFIG_NAME, CONFIG_VARIABLE, load_settings
from genotel.settings.parsing import default_journal_path
from genotel.settings.sections import (
    AdviceSettings,
    CollectorSettings,
    ExportSettings,
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

__all__ = [
    "CONFIG_NAME",
    "CONFIG_VARIABLE",
    "AdviceSettings",
    "CollectorSettings",
    "ExportSettings",
    "GpuSettings",
    "InventorySettings",
    "JournalSettings",
    "OtlpSettings",
    "PageSettings",
    "SdkSettings",
    "Settings",
    "SpoolSettings",
    "default_journal_path",
    "load_settings",
    "variable_of",
]
