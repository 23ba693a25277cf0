"""Fallbacks: what to answer while a site cannot."""

from __future__ import annotations

import logging
import threading
from typing import Any, Callable, Optional

from ..errors import CheckmkError
from ..metrics import MetricsCollector, get_metrics_collector
from .classify import ErrorClass, classify_error

__all__ = ["FallbackHandler"]

log = logging.getLogger("checkmk_sync")


class FallbackHandler:
    """Answers for operations that fail for now, from functions that are registered by the operation's name.

    A fallback answers after a RETRYABLE or CIRCUIT_BREAKING failure, never after a PERMANENT one and never for
    a write of a client: register fallbacks for reads only. What it answers is logged as a warning, counted as
    ``fallbacks.<name>`` in ``metrics`` (default: the process's), and :meth:`failure` tells it from a real answer.
    """

    def __init__(self, metrics: Optional[MetricsCollector] = None) -> None:
        self._metrics = metrics or get_metrics_collector()
        self._fallbacks: dict[str, Callable[..., Any]] = {}
        self._local = threading.local()

    def register_fallback(self, name: str, fn: Callable[..., Any], *, replace: bool = True) -> None:
        """Let ``fn``, called with the arguments of the operation, answer for it when that fails.

        Without ``replace`` one that was registered before stays.
        """
        if replace:
            self._fallbacks[name] = fn
        else:
            self._fallbacks.setdefault(name, fn)

    def call(self, name: str, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        """What ``fn`` returns, or the fallback of ``name`` when it fails for now.

        Raises what ``fn`` raised where no fallback may answer, or where that fails too: then its error is the
        ``__context__``.
        """
        self._failures()[name] = None
        try:
            return fn(*args, **kwargs)
        except Exception as error:
            fallback = self._fallbacks.get(name)
            if fallback is None or not _may_be_answered(error):
                raise
            failure = error
        # Out here, so that the two errors do not become each other's context.
        try:
            answer = fallback(*args, **kwargs)
        except Exception as error:
            log.warning("%s failed, and its fallback with %s too", name, type(error).__name__)
            raise failure  # noqa: B904 - the fallback's error is the context, the cause stays
        log.warning("%s failed, its fallback answers: %r", name, failure)
        self._metrics.increment_counter(f"fallbacks.{name}")
        self._failures()[name] = failure.with_traceback(None)
        return answer

    def failure(self, name: str) -> Optional[Exception]:
        """Why a fallback answered the last call of ``name`` in this thread; None when the answer was a real one."""
        return self._failures().get(name)

    def _failures(self) -> dict[str, Optional[Exception]]:
        failures: dict[str, Optional[Exception]] = self._local.__dict__.setdefault("failures", {})
        return failures


def _may_be_answered(error: Exception) -> bool:
    attempted = error.attempted if isinstance(error, CheckmkError) else None
    is_write = attempted is not None and attempted.is_read is False
    return not is_write and classify_error(error) is not ErrorClass.PERMANENT
