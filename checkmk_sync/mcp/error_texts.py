"""Texts for errors: what happened, and what to do next."""

from __future__ import annotations

from typing import Mapping

from pydantic import ValidationError

from .. import errors
from ..commands import as_arguments
from .untrusted import quoted

__all__ = ["LOOK", "explain", "validation_problems"]

LOOK = "Look at what the site holds before repeating a write."
_UNSENT = "The site was not reached: nothing was sent. Try again later; site_health shows when it is back."
# The first class that fits counts.
_TEXTS: Mapping[type[errors.CheckmkError], str] = {
    errors.AuthError: "The site refuses the credentials of this server. "
    "Do not repeat: its operator has to correct them.",
    errors.ForbiddenError: "The user of this server may not do that. Ask for the permission, or leave it.",
    errors.NotFoundError: "There is no such object, or the user of this server may not see it. "
    "List what there is and use a name from there.",
    errors.BadRequestError: "The site refused the request. Correct the arguments as it says.",
    errors.ConflictError: "Something else is going on, or it is still in use. Wait, look, and try again.",
    errors.PreconditionError: "It was changed by somebody else. Read it again and decide anew.",
    errors.UnprocessableError: "There is nothing to apply this to. Look at the state of the site.",
    errors.LockedError: "An activation is running. Try again when it has ended.",
    errors.ThrottledError: "The site is throttled. Wait before the next call.",
    errors.ServerError: f"Checkmk failed while it worked on this. {LOOK}",
    errors.CircuitOpenError: "Not tried: the site failed too often. Wait a minute; site_health shows when it is back.",
    errors.TransportError: f"There is no usable answer from the site. {LOOK}",
    errors.InventoryError: "The inventory has mistakes. Correct them and plan again.",
    errors.NotOwnedError: "Something in it belongs to somebody else. "
    "Take it out; whether to adopt what belongs to nobody is for a person to say.",
    errors.PlanChangedError: "It is no longer what was shown. Look at it as it is now, and ask again.",
    # Only people may lift this brake, so the text does not say how: a model would just do it.
    errors.UnsafePlanError: "The plan does more than is allowed without asking. "
    "Show that to a person, who decides; do not go around it in smaller parts.",
    errors.BatchError: "Not everything was done. Repeat only what was not applied; look up what is unknown.",
    errors.ActivationError: "The changes are not all active. See what is pending and what the site complains about.",
    errors.DiscoveryError: "The scan failed. Look at the state of the host: is its agent or its SNMP reachable?",
    errors.WaitTimeoutError: "It did not end in time and may still go on. Look later; do not start it again at once.",
    errors.SettingsError: "An argument or a setting is not valid. Correct it.",
    errors.CheckmkError: f"That did not work. {LOOK}",
}


def explain(error: errors.CheckmkError) -> str:
    """Return what an error means, what to do next, and its message as quoted data."""
    text = next(text for kind, text in _TEXTS.items() if isinstance(error, kind))
    if isinstance(error, errors.TransportError) and not isinstance(error, errors.CircuitOpenError):
        text = _UNSENT if error.sent is False else text
    message = error.why if isinstance(error, errors.UnsafePlanError) else str(error)
    return f"{text} The message, as data: {quoted(as_arguments(message))}"


def validation_problems(error: ValidationError) -> list[tuple[str, str]]:
    """Return the first problems of arguments, as location and message, without the values."""
    problems = error.errors(include_url=False, include_input=False)[:5]
    return [(".".join(str(part)[:80] for part in problem["loc"]), problem["msg"]) for problem in problems]
