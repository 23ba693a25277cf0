"""Waits for jobs and activations, and settles writes whose answer was lost.

To settle a write is to read the site until the read proves that the write was applied, or until a time limit. A noun
calls :func:`settle` with the error of its write, and a bulk call with the error of a chunk.
"""

from __future__ import annotations

import contextlib
from typing import Callable, Iterator, Optional, TypeVar

from .. import errors
from ..core.cancellation import shielded
from ..core.clock import Clock, Deadline
from .outcomes import is_uncertain
from .site import Site

T = TypeVar("T")

FIRST_PAUSE_S, LONGEST_PAUSE_S, GROWTH = 0.05, 5.0, 1.7
SHORTEST_LOOK_S = 1.0  # each read gets at least this time, so the last one may end this much after the deadline


def poll(clock: Clock, deadline: Deadline) -> Iterator[None]:
    """Yield immediately, then after increasing pauses, and for the last time at the deadline.

    After the client has been closed, which stops the clock, it yields only once more.
    """
    pause, is_running = FIRST_PAUSE_S, True
    yield
    while is_running and not deadline.expired:
        is_running = clock.sleep(min(pause, deadline.remaining_s()))
        pause = min(pause * GROWTH, LONGEST_PAUSE_S)
        yield


# The site does not answer, or another server answers in its place. It may be available again before the deadline.
_UNAVAILABLE = (errors.TransportError, errors.ThrottledError, errors.ServerError, errors.UnexpectedReplyError)


def wait_for(
    site: Site, look: Callable[[Site], Optional[T]], deadline: Deadline, what: str, *, unseen_s: float = 0.0
) -> T:
    """Repeat ``look(site)`` until its result is not None, and return the result.

    The wait continues while the site is unavailable, and after a NotFoundError in the first ``unseen_s`` seconds.
    Raises WaitTimeoutError at the deadline, and ConnectError if the client is closed earlier. Both messages say that
    ``what`` may still be running.
    """
    started = site.clock.monotonic()
    failure: Optional[errors.CheckmkError] = None
    for _ in poll(site.clock, deadline):
        try:
            found = look(site.with_time_limit(max(SHORTEST_LOOK_S, deadline.remaining_s())))
        except _UNAVAILABLE as error:
            failure = error
        except errors.NotFoundError:
            if site.clock.monotonic() - started >= unseen_s:
                raise
        else:
            if found is not None:
                return found
            failure = None
    if not deadline.expired:  # the client was closed during the wait
        closed = errors.ConnectError(f"the client was closed during the wait; {what} may still be running", sent=False)
        raise failure or closed
    waited_s = deadline.limit_s or 0.0
    text = f"{what} did not end within {waited_s:g} s; it may still be running"
    raise errors.WaitTimeoutError(text, waited_s=waited_s) from failure


@contextlib.contextmanager
def after_write(message: str = "") -> Iterator[None]:
    """Mark errors of the block as errors of the write before it, with an unknown outcome.

    The write was answered, but the block could not confirm its effect. ``message`` precedes the error message, such as
    "the activation was started, but its result is unknown".
    """
    try:
        yield
    except errors.CheckmkError as error:
        if error.attempted is None and not isinstance(error, errors.WaitTimeoutError):
            raise  # the outcome is known, for example because the activation has failed
        failure = error
    else:
        return
    text = f"{message}: {failure}" if message else ""
    raise failure.with_attempted(text, is_read=False, delivery=errors.Delivery.UNKNOWN) from failure.__cause__


def settle(
    site: Site,
    error: errors.CheckmkError,
    find_applied: Callable[[Site], Optional[T]],
    *,
    refusals: tuple[type[errors.ApiError], ...] = (),
) -> T:
    """Return the proof that a write was applied although it failed with ``error``. Without a proof, raise the error.

    ``find_applied(site)`` reads the site, and returns the proof or None. It is called repeatedly for at most
    ``settle_s`` seconds, but only once after a 500 or after one of the ``refusals``. Errors that are neither uncertain
    nor refusals are raised without reading.
    """
    # A web server in front of the site may have sent the request twice. The first request was applied then, and the
    # refusal, such as "already exists", answers the second one.
    if isinstance(error, refusals):
        return _settle_refusal(site, error, find_applied)
    if not is_uncertain(error):
        raise error
    site.notify_settling(error)
    try:
        with shielded():
            # CHECKMK_API 8.1: the site continues to work on a request after the connection broke. The write may still
            # be applied after a read that did not find it, so the read is repeated.
            for short_site in _repeated_looks(site):
                try:
                    found = find_applied(short_site)
                except _UNAVAILABLE as failure:
                    if not site.has_answered and isinstance(failure, errors.UnexpectedReplyError):
                        break  # no Checkmk site has ever answered at this address
                    continue
                except errors.CheckmkError:  # such as a missing permission; repeating the read would not help
                    break
                if found is not None:
                    return found
                if isinstance(error, errors.ServerError):  # the site has ended its work on the write
                    raise error.with_attempted(delivery=errors.Delivery.NOTHING_DONE) from error.__cause__
        raise error
    finally:
        site.invalidate_reads()  # another thread may have cached the state from before the write was applied


def _settle_refusal(site: Site, error: errors.CheckmkError, find_applied: Callable[[Site], Optional[T]]) -> T:
    try:
        found = confirm(site, find_applied)
    except errors.ApiError as failure:
        if isinstance(failure, _UNAVAILABLE):
            raise
        raise error from None  # the object cannot be read, so the refusal is the best answer
    if found is None:
        raise error
    return found


def confirm(site: Site, look: Callable[[Site], T]) -> T:
    """Return the result of ``look(site)`` after an answered write, as soon as the site can be read.

    If the site stays unavailable for ``settle_s`` seconds, raise the last failure, which leaves the outcome of the
    write open.
    """
    failure: Optional[errors.CheckmkError] = None
    with after_write(), shielded():
        for short_site in _repeated_looks(site):
            try:
                return look(short_site)
            except _UNAVAILABLE as error:
                failure = error
        assert failure is not None, "the site is read at least once"
        raise failure


def _repeated_looks(site: Site) -> Iterator[Site]:
    """Yield the site for each read until ``settle_s`` seconds have passed."""
    deadline = Deadline(site.clock, site.settings.timeouts.settle_s)
    for _ in poll(site.clock, deadline):
        # Half of the remaining time, so that another read can follow if one hangs.
        yield site.with_time_limit(max(SHORTEST_LOOK_S, deadline.remaining_s() / 2))
