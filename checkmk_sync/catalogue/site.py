"""The operation of the site itself."""

from __future__ import annotations

from ..core.call import CallKind
from .operation import Operation

__all__ = ["ROWS"]

ROWS = (Operation("site", "version", "GET", "/version", CallKind.POLL),)
