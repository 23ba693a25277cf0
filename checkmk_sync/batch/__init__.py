"""Run one operation for many items: in parallel, rate-limited and with retries, with an outcome for each item."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .mixin import BatchOperationsMixin
    from .processor import BatchProcessor
    from .result import BatchItem, BatchProgress, BatchResult, BatchStatus, Skip

__all__ = ["BatchItem", "BatchOperationsMixin", "BatchProcessor", "BatchProgress", "BatchResult", "BatchStatus", "Skip"]


def __getattr__(name: str) -> Any:
    # Every client imports batch.window, but few programs need the rest, so it is imported on first use.
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    modules = {"BatchOperationsMixin": "mixin", "BatchProcessor": "processor"}
    return getattr(import_module(f".{modules.get(name, 'result')}", __name__), name)
