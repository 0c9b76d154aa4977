"""The version of genotel, once; a module of its own, so that no floor has to import the package's root."""

from __future__ import annotations

__version__ = "0.1.0"
