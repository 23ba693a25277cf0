"""Requests, urllib3 and JSON: one request from its preparation to its decoded answer."""

from __future__ import annotations

__all__: list[str] = []
