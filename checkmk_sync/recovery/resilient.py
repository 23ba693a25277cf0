"""The decorator :func:`resilient`, which adds fallbacks, retries and a breaker to your own functions and services."""

from __future__ import annotations

import functools
import inspect
import logging
from typing import Any, Callable, Mapping, Optional, TypeVar, Union

from ..config.settings import RecoverySettings
from ..core.arguments import describe_type
from ..core.once import make_once
from ..metrics.timing import collector_of
from .breaker import BreakerState, CircuitBreaker, refuse_what_works_later
from .classify import is_repeatable, retries_are_spent
from .fallback import FallbackHandler
from .retry import RetryBudget, RetryPolicy

log = logging.getLogger("checkmk_sync")

F = TypeVar("F", bound=Callable[..., Any])


class RecoveryMixin:
    """A mixin for services with :func:`resilient` methods.

    Each method has its own breaker. All methods of an instance share one retry policy, with a retry budget, and one
    fallback handler. They are created at first use from ``self.config`` (the settings, or their section ``recovery``)
    or else from the settings of ``self.client``. They use the client's clock, so closing the client ends all waits.
    """

    @property
    def fallback_handler(self) -> FallbackHandler:
        """The handler for fallbacks, which are registered under the names of the methods."""
        return make_once(self, "_fallback_handler", lambda: FallbackHandler(collector_of(self)))

    @property
    def retry_policy(self) -> RetryPolicy:
        """The retry policy of all methods."""
        return make_once(
            self,
            "_retry_policy",
            lambda: RetryPolicy.from_settings(self._recovery().retry, clock=self._clock(), budget=RetryBudget()),
        )

    @property
    def circuit_breakers(self) -> Mapping[str, CircuitBreaker]:
        """The breakers of the methods called so far, by the methods' qualified names."""
        return {function.__qualname__: breaker for function, breaker in list(self._breakers().items())}

    def _breaker(self, function: Callable[..., Any]) -> CircuitBreaker:
        breaker = self._breakers().get(function)
        if breaker is None:
            new = CircuitBreaker.from_settings(self._recovery().circuit_breaker, clock=self._clock())
            breaker = self._breakers().setdefault(function, new)
        return breaker

    def _breakers(self) -> dict[Callable[..., Any], CircuitBreaker]:
        # Keyed by function, not by name, because a method and the method that it overrides need separate breakers.
        return make_once(self, "_circuit_breakers", dict)

    def _repeated(
        self, name: str, policy: RetryPolicy, breaker: Optional[CircuitBreaker], attempt: Callable[[], Any]
    ) -> Any:
        def note(error: Exception, wait_s: float) -> None:
            log.info("%s failed, retrying in %.1f s: %s", name, wait_s, error)
            collector_of(self).increment_counter(f"retries.{name}")

        def may_retry(error: Exception) -> bool:
            if not is_repeatable(error) or retries_are_spent(error):
                return False
            return breaker is None or breaker.state is not BreakerState.OPEN

        return policy.run(attempt, may_retry=may_retry, on_retry=note)

    def _recovery(self) -> RecoverySettings:
        client = getattr(self, "client", None)
        config = getattr(self, "config", None) or getattr(client, "settings", None)
        recovery = getattr(config, "recovery", config)
        return recovery if isinstance(recovery, RecoverySettings) else RecoverySettings()

    def _clock(self) -> Any:
        return getattr(getattr(self, "client", None), "clock", None)


def resilient(
    circuit_breaker: Union[bool, CircuitBreaker] = True,
    retry_policy: Union[bool, RetryPolicy] = True,
    fallback: Union[bool, FallbackHandler, Callable[..., Any]] = True,
) -> Callable[[F], F]:
    """Guard a function, or a method of a :class:`RecoveryMixin`, with fallback(retry(breaker(function))).

    For each guard, True uses the service's guard, and False leaves it out. A plain function has its own guards, in
    ``function.recovery``. A guard object passed here is shared by all instances of the class. A function given as
    ``fallback`` is called with the arguments, without ``self``. A fallback that is registered under the function's name
    takes precedence over it.

    A failure is retried unless :func:`classify_error` calls it PERMANENT, the breaker is open, or a client has already
    retried the call. Decorate only functions that read or may safely run twice.

    Raises TypeError for generator and coroutine functions, because their work starts after they have returned.
    """

    _check_guards(circuit_breaker, retry_policy, fallback)

    def decorate(function: F) -> F:
        refuse_what_works_later(function)
        name, is_method = function.__name__, next(iter(inspect.signature(function).parameters), "") == "self"
        own = RecoveryMixin()

        @functools.wraps(function)
        def guarded(*args: Any, **kwargs: Any) -> Any:
            service, rest = (args[0], args[1:]) if is_method else (own, args)
            attempt: Callable[[], Any] = functools.partial(function, *args, **kwargs)
            if not isinstance(service, RecoveryMixin):
                raise TypeError(
                    f"{type(service).__name__} must be a RecoveryMixin, because its method {name} is resilient"
                )
            breaker = service._breaker(function) if circuit_breaker is True else circuit_breaker or None
            if breaker:
                attempt = functools.partial(breaker.call, attempt)
            if retry_policy:
                policy = service.retry_policy if retry_policy is True else retry_policy
                attempt = functools.partial(service._repeated, name, policy, breaker, attempt)
            if not fallback:
                return attempt()
            handler = fallback if isinstance(fallback, FallbackHandler) else service.fallback_handler
            if callable(fallback):
                handler.register_fallback(name, fallback, replace=False)
            return handler.call(name, lambda *_, **__: attempt(), *rest, **kwargs)

        if not is_method:
            guarded.recovery = own  # type: ignore[attr-defined]
        return guarded  # type: ignore[return-value]

    return decorate


def _check_guards(circuit_breaker: object, retry_policy: object, fallback: object) -> None:
    if inspect.isroutine(circuit_breaker):
        raise TypeError("resilient needs parentheses: @resilient()")
    for name, guard, kind, accepted in (
        ("circuit_breaker", circuit_breaker, CircuitBreaker, "a CircuitBreaker"),
        ("retry_policy", retry_policy, RetryPolicy, "a RetryPolicy"),
        ("fallback", fallback, FallbackHandler, "a FallbackHandler or a function"),
    ):
        if not (isinstance(guard, (bool, kind)) or (name == "fallback" and callable(guard))):
            raise TypeError(f"{name} must be True, False or {accepted}, not {describe_type(guard)}")
