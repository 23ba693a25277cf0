"""Run one operation for many items: in parallel, rate-limited and with retries, with an outcome for each item."""

from __future__ import annotations

from .mixin import BatchOperationsMixin
from .processor import BatchProcessor
from .result import BatchItem, BatchProgress, BatchResult, BatchStatus, Skip

__all__ = ["BatchItem", "BatchOperationsMixin", "BatchProcessor", "BatchProgress", "BatchResult", "BatchStatus", "Skip"]
