"""A fallback answers after temporary failures, can be recognized, and never hides a permanent failure."""

from __future__ import annotations

import logging
import threading
from typing import Any

import pytest

from checkmk_sync.errors import AuthError, CircuitOpenError, ConnectError, ReadTimeoutError, ServerError
from checkmk_sync.metrics import MetricsCollector
from checkmk_sync.recovery import FallbackHandler


def _fail(error: Exception, *_: Any, **__: Any) -> Any:
    raise error


@pytest.fixture
def collector() -> MetricsCollector:
    return MetricsCollector()


@pytest.fixture
def handler(collector: MetricsCollector) -> FallbackHandler:
    handler = FallbackHandler(collector)
    handler.register_fallback("status", lambda *args, **kwargs: ("unknown", args[1:], kwargs))
    return handler


@pytest.mark.parametrize(
    "error",
    [TimeoutError(), ConnectError("refused", sent=False), CircuitOpenError("open")],
    ids=lambda e: type(e).__name__,
)
def test_it_replaces_temporary_failures(handler: FallbackHandler, error: Exception) -> None:
    assert handler.call("status", _fail, error, 1, name="web01") == ("unknown", (1,), {"name": "web01"})


@pytest.mark.parametrize(
    "error",
    [AuthError(401, "Unauthorized"), ServerError(500, "Crash"), ValueError(), ReadTimeoutError("of a write")],
    ids=lambda e: type(e).__name__,
)
def test_it_never_replaces_permanent_failures(handler: FallbackHandler, error: Exception) -> None:
    with pytest.raises(type(error)) as caught:
        handler.call("status", _fail, error)
    assert caught.value is error
    assert handler.failure("status") is None


def test_without_a_fallback_the_failure_is_raised(handler: FallbackHandler) -> None:
    with pytest.raises(TimeoutError):
        handler.call("other", _fail, TimeoutError())


def test_fallback_answers_can_be_recognized(
    handler: FallbackHandler, collector: MetricsCollector, caplog: pytest.LogCaptureFixture
) -> None:
    error = TimeoutError("too slow")
    with caplog.at_level(logging.WARNING, "checkmk_sync"):
        handler.call("status", _fail, error)
    assert caplog.messages == ["status failed, so its fallback answers: TimeoutError('too slow')"]
    assert collector.counter("fallbacks.status") == 1
    assert handler.failure("status") is error
    assert error.__traceback__ is None, "the traceback would keep the local variables of the failed call alive"
    assert handler.call("status", lambda: "real") == "real"
    assert handler.failure("status") is None


def test_threads_recognize_only_their_own_fallback_answers(handler: FallbackHandler) -> None:
    handler.call("status", _fail, TimeoutError())
    found: list[Any] = []
    thread = threading.Thread(target=lambda: found.append(handler.failure("status")))
    thread.start()
    thread.join(10)
    assert found == [None]
    assert handler.failure("status") is not None


def test_a_failing_fallback_keeps_the_first_failure(handler: FallbackHandler, collector: MetricsCollector) -> None:
    first, cause, second = ConnectError("refused", sent=False), OSError(111, "refused"), KeyError("no status kept")
    first.__cause__ = cause
    handler.register_fallback("status", lambda error: _fail(second))
    with pytest.raises(ConnectError) as caught:
        handler.call("status", _fail, first)
    assert caught.value is first
    assert (first.__cause__, first.__context__, second.__context__) == (cause, second, None)
    assert handler.failure("status") is None
    assert collector.counter("fallbacks.status") == 0
