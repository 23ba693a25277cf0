"""The operations of the API that the client uses, as a table, and facts about Checkmk.

The table is imported on first use, so that importing names and states is cheap.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .operation import Operation
    from .operations import OPERATIONS

__all__ = ["OPERATIONS", "Operation"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from . import operations

    return getattr(operations, name)
