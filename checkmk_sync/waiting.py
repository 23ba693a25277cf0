"""Asking again until something is so: jobs, activations, and writes whose answer was lost."""

from __future__ import annotations

from typing import Callable, Iterator, Optional, TypeVar

from .clock import Clock, Deadline
from .errors import ApiError, CheckmkError, ServerError, TransportError, WaitTimeoutError
from .resource import Site

__all__ = ["is_uncertain", "settle", "ticks", "wait_for"]

T = TypeVar("T")

FIRST_S, LONGEST_S, GROWTH = 0.05, 5.0, 1.7


def ticks(clock: Clock, limit_s: float) -> Iterator[float]:
    """Yield the seconds waited so far, first at once, then after ever longer waits; ends at ``limit_s``,
    or when the client is closed."""
    deadline = Deadline(clock, limit_s)
    pause = FIRST_S
    yield 0.0
    while not deadline.expired:
        if not clock.sleep(min(pause, deadline.remaining_s())):
            return
        pause = min(pause * GROWTH, LONGEST_S)
        yield deadline.elapsed_s()


def wait_for(clock: Clock, look: Callable[[], Optional[T]], limit_s: float, what: str) -> T:
    """What ``look()`` finds, asked until it is not None. WaitTimeoutError after ``limit_s`` seconds."""
    for _ in ticks(clock, limit_s):
        found = look()
        if found is not None:
            return found
    raise WaitTimeoutError(f"{what} did not end within {limit_s:g} s; it may still go on", waited_s=limit_s)


def is_uncertain(error: CheckmkError) -> bool:
    """True when a write that failed like this may have happened all the same."""
    return isinstance(error, ServerError) or (isinstance(error, TransportError) and error.sent is None)


def settle(site: Site, error: CheckmkError, look: Callable[[], Optional[T]]) -> T:
    """What ``look()`` finds of a write whose answer was lost; raises ``error`` again when it finds nothing.

    Finding the write proves it. Not finding it proves nothing at first, for the site goes on working
    after the connection broke: it is looked for until ``settle_s``. After a 500 the site is done, so
    one look tells.
    """
    if not is_uncertain(error):
        raise error
    limit_s = 0.0 if isinstance(error, ServerError) else site.settings.timeouts.settle_s
    for _ in ticks(site.clock, limit_s):
        try:
            found = look()
        except TransportError:  # the site is away: it may be back before the time is over
            continue
        except ApiError:  # it cannot be looked for, so nothing will be known
            break
        if found is not None:
            return found
    raise error
