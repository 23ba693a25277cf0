"""Building blocks shared by all packages: requests and responses, cancellation, clocks, secrets and texts."""

from __future__ import annotations

__all__: list[str] = []
