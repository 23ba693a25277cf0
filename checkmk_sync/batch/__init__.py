"""Doing one thing to many items: in parallel, limited, repeated where that helps, an outcome for each."""

from __future__ import annotations

from .mixin import BatchOperationsMixin
from .processor import BatchProcessor
from .result import BatchItem, BatchProgress, BatchResult, BatchStatus, Skip

__all__ = [
    "BatchItem",
    "BatchOperationsMixin",
    "BatchProcessor",
    "BatchProgress",
    "BatchResult",
    "BatchStatus",
    "Skip",
]
