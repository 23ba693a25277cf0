"""The code of the commands, imported when one of them runs."""

from __future__ import annotations

__all__: list[str] = []
