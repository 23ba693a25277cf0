"""Settings, the configuration file, and where secrets come from."""

from __future__ import annotations

__all__: list[str] = []
