"""Texts for errors: what happened, and what to do next."""

from __future__ import annotations

from pydantic import ValidationError

from ..commands import as_arguments
from ..errors import (
    ActivationError,
    AuthError,
    BadRequestError,
    BatchError,
    CheckmkError,
    CircuitOpenError,
    ConflictError,
    DiscoveryError,
    ForbiddenError,
    InventoryError,
    LockedError,
    NotFoundError,
    NotOwnedError,
    PlanChangedError,
    PreconditionError,
    ServerError,
    SettingsError,
    ThrottledError,
    TransportError,
    UnprocessableError,
    UnsafePlanError,
    WaitTimeoutError,
)
from .untrusted import quoted

__all__ = ["LOOK", "explain", "validation_problems"]

LOOK = "Look at what the site holds before repeating a write."
_ADVICE: tuple[tuple[type[CheckmkError], str, str], ...] = (
    (AuthError, "The site refuses the credentials of this server.", "Do not repeat: its operator has to correct them."),
    (ForbiddenError, "The user of this server may not do that.", "Ask for the permission, or leave it."),
    (NotFoundError, "There is no such object, or it may not be seen.", "List what there is and use a name from there."),
    (BadRequestError, "The site refused the request.", "Correct the arguments as it says."),
    (ConflictError, "Something else is going on, or it is still in use.", "Wait, look, and try again."),
    (PreconditionError, "It was changed by somebody else.", "Read it again and decide anew."),
    (UnprocessableError, "There is nothing to do it to.", "Look at the state of the site."),
    (LockedError, "An activation is running.", "Try again when it has ended."),
    (ThrottledError, "The site is throttled.", "Wait before the next call."),
    (ServerError, "Checkmk failed while it worked on this.", LOOK),
    (CircuitOpenError, "Not tried: the site failed too often.", "Wait a minute; site_health tells when it is back."),
    (InventoryError, "The inventory has mistakes.", "Correct them and plan again."),
    (
        NotOwnedError,
        "Something in it belongs to somebody else.",
        "Take it out; whether to adopt what belongs to nobody is for a person to say.",
    ),
    (PlanChangedError, "It is not what was shown any more.", "Look at it as it is now, and ask again."),
    # Only people may decide to lift this brake, so the advice does not say how: a model would just do it.
    (
        UnsafePlanError,
        "The plan does more than is allowed unasked.",
        "Show that to a person, who decides; do not go around it in smaller parts.",
    ),
    (BatchError, "Not everything was done.", "Repeat only what was not applied; look for what is unknown."),
    (
        ActivationError,
        "The changes are not all active.",
        "See what is pending and what the site complains of.",
    ),
    (
        DiscoveryError,
        "The scan failed.",
        "Look at the state of the host: is its agent or its SNMP reachable?",
    ),
    (WaitTimeoutError, "It did not end in time and may still go on.", "Look later; do not start it again at once."),
    (SettingsError, "Something given or configured cannot be.", "Correct it."),
)


def explain(error: CheckmkError) -> str:
    """Return what an error means, what to do next, and its message as quoted data."""
    if isinstance(error, TransportError) and not isinstance(error, CircuitOpenError):
        meaning, advice = "There is no usable answer of the site.", LOOK
        if error.sent is False:
            meaning = "The site was not reached: nothing was sent."
            advice = "Try again later; site_health tells when it is back."
    else:
        texts = ((meaning, advice) for kind, meaning, advice in _ADVICE if isinstance(error, kind))
        meaning, advice = next(texts, ("That did not work.", LOOK))
    message = error.why if isinstance(error, UnsafePlanError) else str(error)
    return f"{meaning} {advice} Said, as data: {quoted(as_arguments(message))}"


def validation_problems(error: ValidationError) -> list[tuple[str, str]]:
    """Return the first problems of arguments, as location and message, without the values."""
    problems = error.errors(include_url=False, include_input=False)[:5]
    return [(".".join(str(part)[:80] for part in problem["loc"]), problem["msg"]) for problem in problems]
