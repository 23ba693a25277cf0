"""Settings, the configuration file, documents with line numbers, and where secrets come from."""

from __future__ import annotations

__all__: list[str] = []
