"""The outcomes of commands as messages, as JSON and as exit codes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Iterable, Mapping

from .. import errors
from ..catalogue.paths import folder_path
from ..client.outcomes import WORST_FIRST, Status, is_uncertain
from ..client.site import Settling
from ..commands import Command
from .exit_codes import FAILED, REFUSED, UNREACHABLE

# The answers 400 and 404 to a single call mean that a name, a folder or a value is not valid.
_REFUSED_BY_SITE = (errors.AuthError, errors.ForbiddenError, errors.BadRequestError, errors.NotFoundError)
_REFUSALS = (errors.SettingsError, errors.SyncError, errors.MissingExtraError, *_REFUSED_BY_SITE)


def worst(statuses: Iterable[Status]) -> Status:
    """Return the worst status: unknown is worse than not applied, which is worse than applied."""
    return min(statuses, key=WORST_FIRST.index, default=Status.APPLIED)


def failed_status(error: errors.CheckmkError) -> Status:
    """Return the status of the write that raised ``error``."""
    if isinstance(error, errors.BatchError) and error.outcomes:
        return worst(outcome.status for outcome in error.outcomes)
    return Status.UNKNOWN if is_uncertain(error) else Status.NOT_APPLIED


def exit_code(error: errors.CheckmkError) -> int:
    """Return the exit code for an error.

    It is 1 if the command failed or partly failed, 2 if it was refused, and 3 if the site is not reachable.
    """
    if isinstance(error, (errors.TransportError, errors.UnexpectedReplyError)):
        return UNREACHABLE
    if not isinstance(error, errors.BatchError):
        # A deletion is refused with 409 if the object is not empty or others refer to it. For other calls, a 409 means
        # that another operation is running or that some sites failed.
        is_in_use = isinstance(error, errors.ConflictError) and error.call.startswith("DELETE ")
        return REFUSED if isinstance(error, _REFUSALS) or is_in_use else FAILED
    if isinstance(error.__cause__, errors.AuthError):
        return REFUSED
    # If nothing was applied and all failures have the same code, the batch has that code. Otherwise it partly failed.
    codes = {
        exit_code(outcome.error) if outcome.status is Status.NOT_APPLIED and outcome.error is not None else FAILED
        for outcome in error.outcomes
    }
    return codes.pop() if len(codes) == 1 else FAILED


def settling_note(settling: Settling) -> str:
    """Return the note that explains the wait for a lost answer."""
    return f"No usable answer to {settling.call}: checking for up to {settling.limit_s:g} s whether it was executed"


@dataclass(frozen=True)
class Write:
    """A command of the table that writes, with its arguments. It formats the messages about the outcome."""

    command: Command
    arguments: Mapping[str, Any]

    @property
    def subject(self) -> str:
        """The names of the written objects, at most five. It is empty if the site chooses the name."""
        name = next((argument.name for argument in self.command.arguments if argument.is_positional), None)
        value = [] if name is None else self.arguments[name]
        names = [value] if isinstance(value, str) else list(value)
        if name == "folder":
            names = list(map(folder_path, names))
        return f"{', '.join(names[:5])}{', ...' if len(names) > 5 else ''}"

    def success(self) -> str:
        """Return the message for a write that was applied, such as "web01 created"."""
        return f"{self._subject_or_noun} {self.command.participle}".strip()

    @property
    def _subject_or_noun(self) -> str:
        return self.subject or self.command.noun.removesuffix("s").replace("-", " ")

    def failure(self, error: errors.CheckmkError, message: str) -> str:
        """Return the message for a failed write, such as "web01 not created: …".

        If the outcome is unknown, the message names the command that checks it.
        """
        facts, participle = self.facts(error), self.command.participle
        if isinstance(error, errors.BatchError):
            separator = "\n"
        elif facts["outcome"] == Status.UNKNOWN.value:
            message, separator = f"unknown whether {self.subject or 'it'} was {participle}: {message}", "; "
        else:
            message, separator = f"{self._subject_or_noun} not {participle}: {message}".strip(), "; "
        return f"{message}{separator}check with: {facts['check']}" if "check" in facts else message

    def facts(self, error: errors.CheckmkError) -> dict[str, Any]:
        """Return the facts that JSON adds to an error: the outcome and, if it is unknown, a command to check it."""
        status = failed_status(error)
        command = self.command.check_with or (f"checkmk-sync {self.command.noun} get {{}}" if self.command.noun else "")
        if status is not Status.UNKNOWN or not command:
            return {"outcome": status.value}
        command = command.replace("{}", self.subject.partition(",")[0])
        for name, value in self.arguments.items():
            command = command.replace(f"{{{name}}}", str(value))
        return {"outcome": status.value, "check": command}


@dataclass(frozen=True)
class RawWrite:
    """A write of the command ``api``. ``request`` contains its method and path."""

    request: str

    def failure(self, error: errors.CheckmkError, message: str) -> str:
        """Return the message for a failed request, which says whether the site may have executed it."""
        if failed_status(error) is Status.UNKNOWN:
            return f"unknown whether {self.request} was executed: {message}; read the object before you send it again"
        return message

    def facts(self, error: errors.CheckmkError) -> dict[str, Any]:
        """Return the facts that JSON adds to an error."""
        return {"outcome": failed_status(error).value}
