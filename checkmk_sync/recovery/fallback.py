"""Fallbacks that answer while a site cannot."""

from __future__ import annotations

import logging
import threading
from typing import Any, Callable, Optional

from ..errors import CheckmkError
from ..metrics import MetricsCollector, get_metrics_collector
from .classify import ErrorClass, classify_error

log = logging.getLogger("checkmk_sync")


class FallbackHandler:
    """A registry of fallback functions, by the name of the operation that they answer for.

    A fallback answers after a RETRYABLE or CIRCUIT_BREAKING failure. It never answers after a PERMANENT failure or for
    a client's write, so register fallbacks for reads only.

    Each fallback answer is logged as a warning and counted as ``fallbacks.<name>`` in ``metrics`` (default: the
    collector of the process). :meth:`failure` tells a fallback answer from a real one.
    """

    def __init__(self, metrics: Optional[MetricsCollector] = None) -> None:
        self._metrics = metrics or get_metrics_collector()
        self._fallbacks: dict[str, Callable[..., Any]] = {}
        self._local = threading.local()

    def register_fallback(self, name: str, fn: Callable[..., Any], *, replace: bool = True) -> None:
        """Register ``fn`` as the fallback for an operation. It is called with the operation's arguments.

        With ``replace=False``, a fallback that is already registered stays.
        """
        if replace:
            self._fallbacks[name] = fn
        else:
            self._fallbacks.setdefault(name, fn)

    def call(self, name: str, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        """Call ``fn`` and return its result. If it fails temporarily, return the answer of the fallback for ``name``.

        Raises the error of ``fn`` if no fallback is registered or may answer. If the fallback fails too, the error of
        ``fn`` is raised with the fallback's error as its ``__context__``.
        """
        self._failures()[name] = None
        try:
            return fn(*args, **kwargs)
        except Exception as error:
            fallback = self._fallbacks.get(name)
            if fallback is None or not _may_be_answered(error):
                raise
            failure = error
        # Outside the except block, so that the error of fn does not become the context of the fallback's error.
        try:
            answer = fallback(*args, **kwargs)
        except Exception as error:
            log.warning("%s failed, and its fallback raised %s", name, type(error).__name__)
            raise failure  # noqa: B904 - the fallback's error is the context, the cause stays
        log.warning("%s failed, so its fallback answers: %r", name, failure)
        self._metrics.increment_counter(f"fallbacks.{name}")
        self._failures()[name] = failure.with_traceback(None)
        return answer

    def failure(self, name: str) -> Optional[Exception]:
        """Return why a fallback answered the last call of ``name`` in this thread, or None if the answer was real."""
        return self._failures().get(name)

    def _failures(self) -> dict[str, Optional[Exception]]:
        failures: dict[str, Optional[Exception]] = self._local.__dict__.setdefault("failures", {})
        return failures


def _may_be_answered(error: Exception) -> bool:
    attempted = error.attempted if isinstance(error, CheckmkError) else None
    is_write = attempted is not None and attempted.is_read is False
    return not is_write and classify_error(error) is not ErrorClass.PERMANENT
