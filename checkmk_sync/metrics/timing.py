"""Measure how long functions, blocks and operations of services take."""

from __future__ import annotations

import contextlib
import functools
from typing import Any, Callable, Iterator, Optional, TypeVar

from ..core.arguments import runs_after_return
from .collector import MetricsCollector, get_metrics_collector

F = TypeVar("F", bound=Callable[..., Any])


@contextlib.contextmanager
def timed_context(name: str, collector: Optional[MetricsCollector] = None) -> Iterator[None]:
    """Time the block as ``name``. A block that raises is also timed, and counted as ``<name>.errors``.

    The default of ``collector`` is the collector of the process.
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
    """Time every call of the decorated function as ``metric_name``. The default is the function's qualified name.

    Methods of a :class:`MetricsMixin` are recorded in the collector of their service, other functions in the collector
    of the process. A call that raises is also timed, and counted as ``<name>.errors``.

    Raises TypeError for generators and coroutines, because their work starts after the call has returned. Use
    :func:`timed_context` inside them.
    """

    if callable(metric_name):
        raise TypeError("timed must be called with parentheses: @timed() or @timed('name')")

    def decorate(function: F) -> F:
        if runs_after_return(function):
            raise TypeError(
                f"{function.__qualname__} is a generator or coroutine, which runs after the call has returned; "
                "use timed_context inside it"
            )
        name = metric_name or function.__qualname__

        @functools.wraps(function)
        def measured(*args: Any, **kwargs: Any) -> Any:
            collector = collector_of(args[0]) if args and isinstance(args[0], MetricsMixin) else None
            with timed_context(name, collector):
                return function(*args, **kwargs)

        return measured  # type: ignore[return-value]

    return decorate


class MetricsMixin:
    """Adds metrics to a service class.

    Measurements go to the service's ``metrics_collector`` if it has one. Otherwise they go to the collector of its
    ``client``, or to the collector of the process.
    """

    metrics_collector: Optional[MetricsCollector] = None

    def record_operation(self, name: str, duration: float, success: bool = True) -> None:
        """Record an operation of ``duration`` seconds. A failure is also counted as ``<name>.errors``."""
        collector_of(self).record_operation(name, duration, success=success)

    _record_operation = record_operation


def collector_of(service: object) -> MetricsCollector:
    """Return the collector of a service, of its client, or of the process."""
    own = getattr(service, "metrics_collector", None) or getattr(getattr(service, "client", None), "collector", None)
    return own or get_metrics_collector()
