"""Retry, circuit breaker and limits: machinery for any callable, nothing here knows HTTP."""

from __future__ import annotations

from .breaker import BreakerState, CircuitBreaker
from .limit import InFlight, RateLimit
from .retry import RetryBudget, RetryPolicy, RetryStrategy
from .stack import Guards, Task

__all__ = [
    "BreakerState",
    "CircuitBreaker",
    "Guards",
    "InFlight",
    "RateLimit",
    "RetryBudget",
    "RetryPolicy",
    "RetryStrategy",
    "Task",
]
