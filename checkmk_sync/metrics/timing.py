"""Time functions, blocks and operations of services."""

from __future__ import annotations

import contextlib
import functools
import inspect
from typing import Any, Callable, Iterator, Optional, TypeVar

from .collector import MetricsCollector, get_metrics_collector

__all__ = ["MetricsMixin", "timed", "timed_context"]

F = TypeVar("F", bound=Callable[..., Any])


@contextlib.contextmanager
def timed_context(name: str, collector: Optional[MetricsCollector] = None) -> Iterator[None]:
    """Time the block as ``name``, in the process's collector unless another is given.

    A block that raises is timed as well, and counted as ``<name>.errors``.
    """
    target = collector or get_metrics_collector()
    started = target.clock.monotonic()
    success = False
    try:
        yield
        success = True
    finally:
        target.record_operation(name, target.clock.monotonic() - started, success=success)


def timed(metric_name: Optional[str] = None) -> Callable[[F], F]:
    """Time every call of a function or method as ``metric_name`` (default: its qualified name).

    A method of a :class:`MetricsMixin` is timed in that service's collector, everything else in the
    process's. A call that raises is timed as well, and counted as ``<name>.errors``. TypeError for
    generators and coroutines: their work begins after the call has ended, so time it inside them.
    """

    if callable(metric_name):
        raise TypeError("timed stands with parentheses: @timed() or @timed('name')")

    def decorate(function: F) -> F:
        if inspect.isgeneratorfunction(function) or inspect.iscoroutinefunction(function):
            raise TypeError(f"{function.__qualname__} works after it has returned; use timed_context inside it")
        name = metric_name or function.__qualname__

        @functools.wraps(function)
        def measured(*args: Any, **kwargs: Any) -> Any:
            collector = _collector_of(args[0]) if args and isinstance(args[0], MetricsMixin) else None
            with timed_context(name, collector):
                return function(*args, **kwargs)

        return measured  # type: ignore[return-value]

    return decorate


class MetricsMixin:
    """Base of services that measure themselves: in their own ``metrics_collector``, in that of their ``client``, or
    in that of the process."""

    metrics_collector: Optional[MetricsCollector] = None

    def record_operation(self, name: str, duration: float, success: bool = True) -> None:
        """Add one operation of ``duration`` seconds; a failed one is also counted as ``<name>.errors``."""
        _collector_of(self).record_operation(name, duration, success=success)

    _record_operation = record_operation


def _collector_of(service: MetricsMixin) -> MetricsCollector:
    own = service.metrics_collector or getattr(getattr(service, "client", None), "collector", None)
    return own or get_metrics_collector()
