"""Settings, the configuration file, sources of secrets, and YAML and JSON documents with line numbers."""

from __future__ import annotations

__all__: list[str] = []
