"""A mixin that adds batches to service classes."""

from __future__ import annotations

import functools
from typing import Any, Callable, Iterable, TypeVar

from ..config.settings import BatchSettings
from .processor import BatchProcessor
from .result import BatchResult

T = TypeVar("T")
R = TypeVar("R")


class BatchOperationsMixin:
    """Adds ``batch_create``, ``batch_update`` and ``batch_delete``, which run a batch with a function of the service.

    ``batch_processor`` uses the batch settings in ``self.config``, or the default settings. Assign another processor to
    replace it. ``options`` are further arguments of :meth:`BatchProcessor.process_batch`. ``resource_type`` is used for
    the default ID of the batch, such as ``create-host``.
    """

    @functools.cached_property
    def batch_processor(self) -> BatchProcessor:
        config = getattr(self, "config", None)
        settings = getattr(config, "batch_processing", config)
        return BatchProcessor.from_settings(settings if isinstance(settings, BatchSettings) else BatchSettings())

    def batch_create(
        self, items: Iterable[T], resource_type: str, create_function: Callable[[T], R], **options: Any
    ) -> BatchResult[T, R]:
        """Call ``create_function`` for each item and return the outcomes."""
        options.setdefault("batch_id", f"create-{resource_type}")
        return self.batch_processor.process_batch(items, create_function, **options)

    def batch_update(
        self, updates: Iterable[T], resource_type: str, update_function: Callable[[T], R], **options: Any
    ) -> BatchResult[T, R]:
        """Call ``update_function`` for each update and return the outcomes."""
        options.setdefault("batch_id", f"update-{resource_type}")
        return self.batch_processor.process_batch(updates, update_function, **options)

    def batch_delete(
        self, items: Iterable[T], resource_type: str, delete_function: Callable[[T], R], **options: Any
    ) -> BatchResult[T, R]:
        """Call ``delete_function`` for each item and return the outcomes."""
        options.setdefault("batch_id", f"delete-{resource_type}")
        return self.batch_processor.process_batch(items, delete_function, **options)

    _batch_create, _batch_update, _batch_delete = batch_create, batch_update, batch_delete
