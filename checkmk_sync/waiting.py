"""Asking again until something is so: jobs, activations, and writes whose answer was lost."""

from __future__ import annotations

from typing import Callable, Iterator, Optional, TypeVar

from .clock import Clock, Deadline
from .errors import (
    ApiError,
    CheckmkError,
    NotFoundError,
    ServerError,
    ThrottledError,
    TransportError,
    UnexpectedReplyError,
    WaitTimeoutError,
)
from .outcomes import is_uncertain
from .resource import Site

__all__ = ["settle", "ticks", "wait_for"]

T = TypeVar("T")

FIRST_S, LONGEST_S, GROWTH = 0.05, 5.0, 1.7
LOOK_S = 1.0  # the least that a look gets; by so much the last one may come late


def ticks(clock: Clock, deadline: Deadline) -> Iterator[None]:
    """Yield at once, then after ever longer waits, the last time when the deadline comes.

    When the clock was stopped, because the client was closed, it yields once more only.
    """
    pause, goes_on = FIRST_S, True
    yield
    while goes_on and not deadline.expired:
        goes_on = clock.sleep(min(pause, deadline.remaining_s()))
        pause = min(pause * GROWTH, LONGEST_S)
        yield


def wait_for(
    site: Site, look: Callable[[Site], Optional[T]], deadline: Deadline, what: str, *, unseen_s: float = 0.0
) -> T:
    """What ``look(site)`` finds, asked until it is not None. WaitTimeoutError when the time is over.

    A site that is away for a while ends no wait. Neither does NotFoundError in the first ``unseen_s`` seconds.
    """
    started = site.clock.monotonic()
    failure: Optional[CheckmkError] = None
    for _ in ticks(site.clock, deadline):
        try:
            found = look(site.within(max(LOOK_S, deadline.remaining_s())))
        except (TransportError, ThrottledError) as error:
            failure = error
        except NotFoundError:
            if site.clock.monotonic() - started >= unseen_s:
                raise
        else:
            if found is not None:
                return found
            failure = None
    if failure is not None and not deadline.expired:  # the client was closed
        raise failure
    waited_s = deadline.limit_s or 0.0
    text = f"{what} did not end within {waited_s:g} s; it may still go on"
    raise WaitTimeoutError(text, waited_s=waited_s) from failure


def settle(site: Site, error: CheckmkError, look: Callable[[Site], Optional[T]]) -> T:
    """What ``look(site)`` finds of a write that failed with ``error``; raises it again when there is nothing.

    Finding the write proves it. Not finding it proves nothing at first, for the site goes on working
    after the connection broke: it is looked for until ``settle_s``. After a 500 the site is done, so
    one look tells, and the error says so with ``nothing_done``.
    """
    if not is_uncertain(error):
        raise error
    deadline = Deadline(site.clock, site.settings.timeouts.settle_s)
    for _ in ticks(site.clock, deadline):
        try:
            # Half of what is left, so that one that hangs is not the only one.
            found = look(site.within(max(LOOK_S, deadline.remaining_s() / 2)))
        except (TransportError, ThrottledError, ServerError, UnexpectedReplyError):
            continue  # the site is away: it may be back before the time is over
        except ApiError:  # it cannot be looked for, so nothing will be known
            break
        if found is not None:
            return found
        if isinstance(error, ServerError):
            error.nothing_done = True
            break
    raise error
