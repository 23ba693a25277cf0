"""Vocabulary that every package shares: calls, clocks, texts."""

from __future__ import annotations

__all__: list[str] = []
