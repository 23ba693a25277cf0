"""The code of the commands. It is imported when a command runs."""

from __future__ import annotations

__all__: list[str] = []
