"""Doing one thing to many items: in parallel, limited, repeated where that helps, an outcome for each."""

from __future__ import annotations

from .mixin import BatchOperationsMixin
from .outcome import BatchItem, BatchProgress, BatchResult, BatchStatus, Skip
from .processor import BatchProcessor

__all__ = [
    "BatchItem",
    "BatchOperationsMixin",
    "BatchProcessor",
    "BatchProgress",
    "BatchResult",
    "BatchStatus",
    "Skip",
]
