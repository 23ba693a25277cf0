"""Settings, the configuration file, sources of secrets, and documents with line numbers."""

from __future__ import annotations

__all__: list[str] = []
