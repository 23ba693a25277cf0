"""Batches for service classes of one's own."""

from __future__ import annotations

import functools
from typing import Any, Callable, Iterable, TypeVar

from ..config.settings import BatchSettings
from .processor import BatchProcessor
from .result import BatchResult

__all__ = ["BatchOperationsMixin"]

T = TypeVar("T")
R = TypeVar("R")


class BatchOperationsMixin:
    """Adds ``batch_create``, ``batch_update`` and ``batch_delete``: one call of a function for each item.

    ``batch_processor`` is made from the batch settings in ``self.config``, or from the defaults where there
    are none; assign another to use that. ``options`` go to :meth:`BatchProcessor.process_batch`; the id of a
    batch is the verb and the type, such as ``create-host``, unless they say otherwise.
    """

    @functools.cached_property
    def batch_processor(self) -> BatchProcessor:
        config = getattr(self, "config", None)
        found = getattr(config, "batch_processing", config)
        return BatchProcessor.from_settings(found if isinstance(found, BatchSettings) else BatchSettings())

    def batch_create(
        self, items: Iterable[T], resource_type: str, create_function: Callable[[T], R], **options: Any
    ) -> BatchResult[T, R]:
        """Create all items; what became of each."""
        return self._batch("create", items, resource_type, create_function, options)

    def batch_update(
        self, updates: Iterable[T], resource_type: str, update_function: Callable[[T], R], **options: Any
    ) -> BatchResult[T, R]:
        """Make all updates; what became of each."""
        return self._batch("update", updates, resource_type, update_function, options)

    def batch_delete(
        self, items: Iterable[T], resource_type: str, delete_function: Callable[[T], R], **options: Any
    ) -> BatchResult[T, R]:
        """Delete all items; what became of each."""
        return self._batch("delete", items, resource_type, delete_function, options)

    _batch_create, _batch_update, _batch_delete = batch_create, batch_update, batch_delete

    def _batch(
        self,
        verb: str,
        items: Iterable[T],
        resource_type: str,
        function: Callable[[T], R],
        options: dict[str, Any],
    ) -> BatchResult[T, R]:
        options.setdefault("batch_id", f"{verb}-{resource_type}")
        return self.batch_processor.process_batch(items, function, **options)
