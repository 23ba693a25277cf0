"""HTML pages as files, and the commands that they show."""

from __future__ import annotations

import contextlib
import shlex
from typing import Callable, Iterator, Optional

import click

from ..core.private_files import replacement
from ..errors import CheckmkError
from .options import State

_OF_PLAN_ONLY = ("detailed_exitcode", "html", "markdown")  # the options that apply does not need


@contextlib.contextmanager
def page_file(state: State, path: Optional[str]) -> Iterator[Callable[[str], None]]:
    """Yield a function that writes a page, or does nothing without a ``path``. The file is complete after the block.

    Raises click.UsageError, before the block starts, if the file cannot be written. If the disk becomes full later,
    raises CheckmkError.
    """
    if path is None:
        yield lambda _page: None
        return
    with contextlib.ExitStack() as stack:
        try:
            file = stack.enter_context(replacement(path))
        except OSError as error:
            raise click.UsageError(f"cannot write {path}: {error.strerror or error}") from None
        yield lambda page: None if file.write(page) else None
        try:
            stack.close()
        except OSError as error:
            raise CheckmkError(f"cannot write {path}: {error.strerror or error}") from None
    state.output.note(f"The page is in {path}")


def apply_command(state: State, context: click.Context) -> str:
    """Return the command line that applies the plan of the command plan in ``context``."""
    words: list[str] = [] if state.config is None else ["--config", state.config]
    words += ["apply"]
    for parameter in context.command.params:
        value = context.params.get(parameter.name or "")
        if value is None or value is False or parameter.name in _OF_PLAN_ONLY:
            continue
        values = value if isinstance(value, tuple) else (value,)
        if isinstance(parameter, click.Argument):
            words += values
        else:
            words += [word for one in values for word in ([parameter.opts[0]] if one is True else [parameter.opts[0], one])]
    return shlex.join(["checkmk-sync", *words])
