"""Retry, circuit breaker and limits: machinery for any callable, nothing here knows HTTP."""

from __future__ import annotations

from .breaker import BreakerState, CircuitBreaker
from .classify import ErrorClass, classify_error
from .limit import InFlight, RateLimit
from .retry import RetryBudget, RetryPolicy, RetryStrategy
from .stack import Guards, Task

__all__ = [
    "BreakerState",
    "CircuitBreaker",
    "ErrorClass",
    "Guards",
    "InFlight",
    "RateLimit",
    "RetryBudget",
    "RetryPolicy",
    "RetryStrategy",
    "Task",
    "classify_error",
]
