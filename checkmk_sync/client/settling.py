"""Waiting for the site: for jobs and activations, and for proof of a write whose reply was lost.

A noun calls :func:`settle` with the error of its write. Bulk calls do it for each entry.
"""

from __future__ import annotations

import contextlib
from typing import Callable, Iterator, Optional, TypeVar

from ..core.cancellation import shielded
from ..core.clock import Clock, Deadline
from ..errors import (
    ApiError,
    CheckmkError,
    Delivery,
    NotFoundError,
    ServerError,
    ThrottledError,
    TransportError,
    UnexpectedReplyError,
    WaitTimeoutError,
)
from .outcomes import is_uncertain
from .site import Site

__all__ = ["after_write", "confirm", "poll", "settle", "wait_for"]

T = TypeVar("T")

FIRST_PAUSE_S, LONGEST_PAUSE_S, GROWTH = 0.05, 5.0, 1.7
SHORTEST_LOOK_S = 1.0  # for one look at the site; the last one may end that much later than the deadline


def poll(clock: Clock, deadline: Deadline) -> Iterator[None]:
    """Yield at once, then after longer and longer pauses, the last time at the deadline.

    Once the clock is stopped, because the client was closed, it yields only once more.
    """
    pause, is_running = FIRST_PAUSE_S, True
    yield
    while is_running and not deadline.expired:
        is_running = clock.sleep(min(pause, deadline.remaining_s()))
        pause = min(pause * GROWTH, LONGEST_PAUSE_S)
        yield


# The site does not answer, or something else answers in its place: it may be back before the deadline.
_UNAVAILABLE = (TransportError, ThrottledError, ServerError, UnexpectedReplyError)


def wait_for(
    site: Site, look: Callable[[Site], Optional[T]], deadline: Deadline, what: str, *, unseen_s: float = 0.0
) -> T:
    """Repeat ``look(site)`` until it returns something, and return that. WaitTimeoutError at the deadline.

    The wait goes on while the site is unavailable, and after a NotFoundError in the first ``unseen_s`` seconds.
    """
    started = site.clock.monotonic()
    failure: Optional[CheckmkError] = None
    for _ in poll(site.clock, deadline):
        try:
            found = look(site.with_time_limit(max(SHORTEST_LOOK_S, deadline.remaining_s())))
        except _UNAVAILABLE as error:
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


@contextlib.contextmanager
def after_write(message: str = "") -> Iterator[None]:
    """Mark errors of the block, which follows a write that was answered, as ones that leave its outcome open.

    ``message`` comes before the error, such as "the activation was started, but its end cannot be seen".
    """
    try:
        yield
    except CheckmkError as error:
        if error.attempted is None and not isinstance(error, WaitTimeoutError):
            raise  # such as an activation that is known to have failed
        failure = error
    else:
        return
    text = f"{message}: {failure}" if message else ""
    raise failure.with_attempted(text, is_read=False, delivery=Delivery.UNKNOWN) from failure.__cause__


def settle(
    site: Site,
    error: CheckmkError,
    find_applied: Callable[[Site], Optional[T]],
    *,
    refusals: tuple[type[ApiError], ...] = (),
) -> T:
    """Return the proof that a write that failed with ``error`` was applied; raise the error if there is none.

    ``find_applied(site)`` reads the site. A write that it finds was applied. If it finds nothing, that proves nothing
    at first, because the site goes on working after the connection broke: the reading is repeated until ``settle_s``.
    After a 500 the site has ended its work, so one look is enough.

    A web server in front of the site may have sent the request twice. Then one of the ``refusals``, such as "already
    exists", answers the second one, and the first was applied. So refusals are looked into as well, once.
    """
    if isinstance(error, refusals):
        return _settle_refusal(site, error, find_applied)
    if not is_uncertain(error):
        raise error
    site.notify_settling(error)
    try:
        with shielded():
            for short_site in _repeated_looks(site):
                try:
                    found = find_applied(short_site)
                except _UNAVAILABLE as failure:
                    if not site.has_answered and isinstance(failure, UnexpectedReplyError):
                        break  # nothing at this address has ever been a Checkmk site
                    continue
                except CheckmkError:  # such as missing permissions: nothing will prove it
                    break
                if found is not None:
                    return found
                if isinstance(error, ServerError):
                    raise error.with_attempted(delivery=Delivery.NOTHING_DONE) from error.__cause__
        raise error
    finally:
        site.invalidate_reads()  # somebody may have read the state before it was applied


def _settle_refusal(site: Site, error: CheckmkError, find_applied: Callable[[Site], Optional[T]]) -> T:
    try:
        found = confirm(site, find_applied)
    except ApiError as failure:
        if isinstance(failure, _UNAVAILABLE):
            raise
        raise error from None  # the object cannot be read, and the site has refused the write
    if found is None:
        raise error
    return found


def confirm(site: Site, look: Callable[[Site], T]) -> T:
    """Return what ``look(site)`` returns after a write that was answered, as soon as the site can be read.

    If that takes longer than ``settle_s``, raise the last failure, which leaves the outcome of the write open.
    """
    failure: Optional[CheckmkError] = None
    with after_write(), shielded():
        for short_site in _repeated_looks(site):
            try:
                return look(short_site)
            except _UNAVAILABLE as error:
                failure = error
        assert failure is not None, "there is at least one look"
        raise failure


def _repeated_looks(site: Site) -> Iterator[Site]:
    """Yield the site for one look after the other until ``settle_s``. Each look has half of the remaining time, so
    that one that hangs is not the only one."""
    deadline = Deadline(site.clock, site.settings.timeouts.settle_s)
    for _ in poll(site.clock, deadline):
        yield site.with_time_limit(max(SHORTEST_LOOK_S, deadline.remaining_s() / 2))
