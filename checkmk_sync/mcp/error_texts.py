"""Error texts for language models: the problem, and the next step."""

from __future__ import annotations

from pydantic import ValidationError

from .. import errors
from ..commands import as_arguments
from ..core.data_files import rows
from .untrusted import quoted

LOOK = "Check the state of the site before you repeat a write."
_UNSENT = "Nothing was sent, because the site could not be reached. Try again later; site_health shows when it is back."
# The first class that matches is used. Read at import, because an open can fail while an error is handled.
# Only a person may lift the limit of UnsafePlanError, so its text does not name the option: a model would use it.
_TEXTS: dict[type[errors.CheckmkError], str] = {
    getattr(errors, row["error"]): row["text"].format(look=LOOK) for row in rows(__file__, "error_texts")
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
