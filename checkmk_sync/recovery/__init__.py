"""Retries, circuit breakers, fallbacks and limits for any callable. Nothing in this package depends on HTTP."""

from __future__ import annotations

from .breaker import BreakerState, CircuitBreaker
from .classify import ErrorClass, classify_error, retries_are_spent
from .fallback import FallbackHandler
from .limit import InFlight, RateLimit, RequestLimits, session_limit
from .resilient import RecoveryMixin, resilient
from .retry import RetryBudget, RetryPolicy, RetryStrategy

__all__ = [
    "BreakerState",
    "CircuitBreaker",
    "ErrorClass",
    "FallbackHandler",
    "InFlight",
    "RateLimit",
    "RecoveryMixin",
    "RequestLimits",
    "RetryBudget",
    "RetryPolicy",
    "RetryStrategy",
    "classify_error",
    "resilient",
    "retries_are_spent",
    "session_limit",
]
