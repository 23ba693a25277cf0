"""The HTTP layer: prepares a request, sends it with requests and urllib3, and decodes the answer."""

from __future__ import annotations

__all__: list[str] = []
