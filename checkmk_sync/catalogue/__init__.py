"""Every operation of the API that the client uses, as a row of data, and facts about Checkmk.

The table is imported when it is first used, so that names and states cost next to nothing.
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
