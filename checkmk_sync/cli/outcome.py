"""The outcome of a command that writes: applied, not applied or unknown, in words, in JSON and as an exit code."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Iterable, Mapping, Optional

from ..catalogue.paths import folder_path
from ..client.outcomes import Status, is_uncertain
from ..client.site import Settling
from ..commands import Command
from ..errors import BatchError, CheckmkError

__all__ = ["UNKNOWN", "Writing", "failed_status", "settling_note", "worst"]

UNKNOWN = 5  # exit code

_WORST_FIRST = (Status.UNKNOWN, Status.NOT_APPLIED, Status.APPLIED)


def worst(statuses: Iterable[Status]) -> Status:
    """Return the worst of some outcomes: unknown before not applied before applied."""
    return min(statuses, key=_WORST_FIRST.index, default=Status.APPLIED)


def failed_status(error: CheckmkError) -> Status:
    """Return what an error says about the write that ended with it."""
    if isinstance(error, BatchError) and error.outcomes:
        return worst(outcome.status for outcome in error.outcomes)
    return Status.UNKNOWN if is_uncertain(error) else Status.NOT_APPLIED


def settling_note(settling: Settling) -> str:
    """Return the line that says why nothing happens on the screen for a while."""
    return f"No usable answer to {settling.call}: checking for up to {settling.limit_s:g} s whether it was executed ..."


@dataclass(frozen=True)
class Writing:
    """A command that writes, to say what became of it."""

    verb: Command
    arguments: Mapping[str, Any]

    @property
    def subject(self) -> str:
        """The names of the objects that the command is for."""
        required = [argument.name for argument in self.verb.arguments if argument.required][:1]
        given = [self.arguments[name] for name in required]
        values = [value for one in given for value in ([one] if isinstance(one, str) else one)]
        names = [folder_path(value) for value in values] if required == ["folder"] else values
        return f"{', '.join(names[:5])}{', ...' if len(names) > 5 else ''}"

    def applied(self, found: Mapping[str, Any]) -> dict[str, Any]:
        """Return what a successful command prints as JSON."""
        return {"outcome": Status.APPLIED.value, **found}

    def success(self) -> str:
        """Return the line for people: ``web01 created``."""
        return f"{self.subject or self.verb.noun} {self.verb.participle}".strip()

    def failure(self, error: CheckmkError, message: str) -> str:
        """Return the message for people: ``web01 not created: ...``, or that this is unknown and how to check."""
        subject = self.subject or "it"
        if isinstance(error, BatchError):
            text = message
        elif failed_status(error) is Status.UNKNOWN:
            text = f"unknown whether {subject} was {self.verb.participle}: {message}"
        else:
            text = f"{self.subject} not {self.verb.participle}: {message}".strip()
        return f"{text}{self._hint(error)}"

    def facts(self, error: CheckmkError) -> dict[str, Any]:
        """Return what JSON says beside the error."""
        status = failed_status(error)
        check = {"check": self.look} if status is Status.UNKNOWN and self.look else {}
        return {"outcome": status.value, **check}

    @property
    def look(self) -> Optional[str]:
        """The command that shows whether the write was executed."""
        names = self.subject.partition(",")[0]
        return self.verb.check_with.replace("{}", names) or None

    def _hint(self, error: CheckmkError) -> str:
        if failed_status(error) is not Status.UNKNOWN or not self.look:
            return ""
        return f"{chr(10) if isinstance(error, BatchError) else '; '}check with: {self.look}"
