"""HTML pages as files, and the commands that they show."""

from __future__ import annotations

import contextlib
import shlex
from typing import Callable, Optional

import click

from ..core.private_files import replacement
from ..errors import CheckmkError
from .options import State

_OF_PLAN_ONLY = ("detailed_exitcode", "html", "markdown", "out")  # the options of plan that apply does not need


class _NotNeeded(Exception):
    """Ends the block of a replacement, so that the file is left as it is."""


def require_writable(path: Optional[str]) -> None:
    """Raise click.UsageError if a page cannot be written to ``path``, before the command does anything."""
    if path is not None:
        try:
            with contextlib.suppress(_NotNeeded), replacement(path):
                raise _NotNeeded
        except OSError as error:
            raise click.UsageError(_problem(path, error)) from None


def write_page(state: State, path: Optional[str], page: Callable[[], str]) -> None:
    """Write the result of ``page()`` to a file, unless ``path`` is None. Raises CheckmkError if that fails."""
    if path is None:
        return
    try:
        with replacement(path) as file:
            file.write(page())
    except OSError as error:
        raise CheckmkError(_problem(path, error)) from None
    state.output.note(f"The page is in {path}")


def _problem(path: str, error: OSError) -> str:
    return f"cannot write {path}: {error.strerror or error}"


def apply_command(state: State, saved: Optional[str] = None) -> str:
    """Return the command line that applies the plan of the running command ``plan``, or the ``saved`` one in a file."""
    context = click.get_current_context()
    words = ["checkmk-sync", *([] if state.config is None else ["--config", state.config]), "apply"]
    if saved is not None:
        return shlex.join([*words, saved])
    for parameter in context.command.params:
        value = context.params.get(parameter.name or "")
        if value is None or value is False or parameter.name in _OF_PLAN_ONLY:
            continue
        option = [parameter.opts[0]] if isinstance(parameter, click.Option) else []
        for given in value if isinstance(value, tuple) else [value]:
            words += [*option, *([] if given is True else [given])]
    return shlex.join(words)
