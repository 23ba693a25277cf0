"""Asking again until something is so: jobs, activations, and writes whose answer was lost."""

from __future__ import annotations

import contextlib
from typing import Callable, Iterator, Optional, TypeVar

from ..core.cancellation import shielded
from ..core.clock import Clock, Deadline
from ..errors import (
    ApiError,
    BadRequestError,
    CheckmkError,
    Delivery,
    NotFoundError,
    ServerError,
    ThrottledError,
    TransportError,
    UnexpectedReplyError,
    WaitTimeoutError,
)
from .claims import Claim
from .outcomes import is_uncertain
from .site import Site

__all__ = ["after_create", "after_refusal", "after_write", "read_back", "settle", "ticks", "wait_for"]

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


# The site is away, or somebody else answers for it: it may be back before the time is over.
_AWAY = (TransportError, ThrottledError, ServerError, UnexpectedReplyError)


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
        except _AWAY as error:
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
def after_write(what: str = "") -> Iterator[None]:
    """Mark errors of the block, which follows a write that was answered, as ones that leave its outcome open.

    ``what`` is said before the error, such as "the activation was started, but its end cannot be seen".
    """
    try:
        yield
    except CheckmkError as error:
        if error.attempted is None and not isinstance(error, WaitTimeoutError):
            raise  # such as an activation that is known to have failed
        failure = error
    else:
        return
    message = f"{what}: {failure}" if what else ""
    raise failure.with_attempted(message, is_read=False, delivery=Delivery.UNKNOWN) from failure.__cause__


def settle(site: Site, error: CheckmkError, look: Callable[[Site], Optional[T]]) -> T:
    """Return what ``look(site)`` finds of a write that failed with ``error``; raise the error when it finds nothing.

    Finding the write proves it. Not finding it proves nothing at first, because the site keeps working after the
    connection broke: the look is repeated until ``settle_s``. After a 500 the site has ended, so one look tells.
    """
    if not is_uncertain(error):
        raise error
    site.tell_settling(error)
    try:
        with shielded():
            return _settled(site, error, look)
    finally:
        site.forget_reads()  # it may have been applied after somebody read what was there before


def _settled(site: Site, error: CheckmkError, look: Callable[[Site], Optional[T]]) -> T:
    for there in _looks(site):
        try:
            found = look(there)
        except _AWAY as failure:
            if not site.has_answered and isinstance(failure, UnexpectedReplyError):
                break  # nothing at this address has ever been a Checkmk site
            continue
        except CheckmkError:  # it cannot be looked for, so nothing will be known
            break
        if found is not None:
            return found
        if isinstance(error, ServerError):
            raise error.with_attempted(delivery=Delivery.NOTHING_DONE) from error.__cause__
    raise error


def after_refusal(site: Site, error: ApiError, look: Callable[[Site], Optional[T]]) -> T:
    """Return what ``look(site)`` finds of a write that was refused with ``error``; raise the error otherwise.

    A web server in front of the site may have sent the request twice. Then "already exists" or a 404 is the answer to
    the second one, and the first was executed.
    """
    try:
        found = read_back(site, look)
    except ApiError as failure:
        if isinstance(failure, _AWAY):
            raise
        raise error from None  # it cannot be looked for, and the site has said no
    if found is None:
        raise error
    return found


def after_create(site: Site, error: CheckmkError, name: str, claim: Claim, look: Callable[[Site], Optional[T]]) -> T:
    """Return the object ``name`` that ``look(site)`` finds after its creation failed; raise ``error`` otherwise.

    The object was absent before. It proves the creation only while no other call of this client creates it too.
    """

    def look_for_ours(there: Site) -> Optional[T]:
        found = look(there)
        if found is not None and name not in claim:
            raise error
        return found

    if isinstance(error, BadRequestError):
        return after_refusal(site, error, look_for_ours)
    return settle(site, error, look_for_ours)


def read_back(site: Site, look: Callable[[Site], T]) -> T:
    """Return what ``look(site)`` says of a write that was answered, as soon as the site can be read.

    Raises the last failure to read it, as one of the write, when that is not before ``settle_s``.
    """
    failure: Optional[CheckmkError] = None
    with after_write(), shielded():
        for there in _looks(site):
            try:
                return look(there)
            except _AWAY as error:
                failure = error
        assert failure is not None, "it is looked at least once"
        raise failure


def _looks(site: Site) -> Iterator[Site]:
    """Ways to the site, again and again until ``settle_s``; each gets half of what is left, so that one that
    hangs is not the only one."""
    deadline = Deadline(site.clock, site.settings.timeouts.settle_s)
    for _ in ticks(site.clock, deadline):
        yield site.within(max(LOOK_S, deadline.remaining_s() / 2))
