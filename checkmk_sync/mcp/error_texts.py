"""Error texts for language models: the problem, and the next step."""

from __future__ import annotations

from typing import Mapping

from pydantic import ValidationError

from .. import errors
from ..commands import as_arguments
from .untrusted import quoted

LOOK = "Check the state of the site before you repeat a write."
_UNSENT = "Nothing was sent, because the site could not be reached. Try again later; site_health shows when it is back."
# The first class that matches is used.
_TEXTS: Mapping[type[errors.CheckmkError], str] = {
    errors.AuthError: "The site rejected the credentials of this server. "
    "Do not repeat the call; the operator must correct them.",
    errors.ForbiddenError: "The Checkmk user of this server lacks the permission for this. Ask the operator for it.",
    errors.NotFoundError: "The object does not exist, or the Checkmk user of this server has no permission to see it. "
    "List the objects and use a name from the list.",
    errors.BadRequestError: "The site refused the request. Correct the arguments; its message names the mistake.",
    errors.ConflictError: "Another operation is running, or the object is in use. Wait, check its state, and retry.",
    errors.PreconditionError: "Somebody else has changed the object. Read it again before you repeat the write.",
    errors.UnprocessableError: "The site has nothing to apply this to. Check the state of the site.",
    errors.LockedError: "An activation is running. Try again when it has ended.",
    errors.ThrottledError: "The site limits the number of requests. Wait before the next call.",
    errors.ServerError: f"Checkmk failed while it handled the request. {LOOK}",
    errors.CircuitOpenError: "Nothing was sent, because the site failed too often. "
    "Wait a minute; site_health shows when it is back.",
    errors.TransportError: f"The site gave no usable answer. {LOOK}",
    errors.InventoryError: "The inventory contains mistakes. Correct them and plan again.",
    errors.NotOwnedError: "The plan affects objects of another owner or of no owner. "
    "Remove them from the inventory; only a person can decide to adopt objects that have no owner.",
    errors.PlanChangedError: "The plan or the pending changes differ from the preview. "
    "Show the new ones and ask again.",
    # Only a person may lift this limit, so the text does not name the option. A model would simply use it.
    errors.UnsafePlanError: "The plan exceeds a safety limit. "
    "Show it to a person, who decides; do not avoid the limit with smaller plans.",
    errors.BatchError: "Some items failed. "
    "Repeat only the items that were not applied; check the state of items with unknown outcome.",
    errors.ActivationError: "The activation did not end as expected. Check the pending changes, and read the message.",
    errors.DiscoveryError: "The service scan failed. Check the host: is its agent or SNMP reachable?",
    errors.JobError: "A background job of the site failed. Read the message.",
    errors.WaitTimeoutError: "The operation did not end in time and may still be running. "
    "Check its state later; do not start it again immediately.",
    errors.SettingsError: "An argument or a setting is not valid. Correct it.",
    errors.CheckmkError: f"The call failed. {LOOK}",
}


def explain(error: errors.CheckmkError) -> str:
    """Return the meaning of an error, the next step, and the message of the error quoted as data."""
    text = next(text for kind, text in _TEXTS.items() if isinstance(error, kind))
    if isinstance(error, errors.TransportError) and not isinstance(error, errors.CircuitOpenError):
        text = _UNSENT if error.sent is False else text
    message = error.why if isinstance(error, errors.UnsafePlanError) else str(error)
    return f"{text} The message, as data: {quoted(as_arguments(message))}"


def validation_problems(error: ValidationError) -> list[tuple[str, str]]:
    """Return the first five problems as pairs of location and message, without the values."""
    problems = error.errors(include_url=False, include_input=False)[:5]
    return [(".".join(str(part)[:80] for part in problem["loc"]), problem["msg"]) for problem in problems]
