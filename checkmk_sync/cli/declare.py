"""Declare commands that are not in the command table: names, options and help.

Their code is imported when a command runs, so that help and completion start fast.
"""

from __future__ import annotations

from typing import Any, Callable, Sequence

import click

from ..commands import Argument
from ..commands.command import LazyModule
from .options import FILE, SHARED_OPTIONS, State
from .parameters import values


def make_command(
    name: str,
    run: Callable[..., Any],
    text: str,
    example: str,
    parameters: Sequence[click.Parameter] = (),
    arguments: Sequence[Argument] = (),
) -> click.Command:
    """Return a click command that calls ``run(state, **values)``. The values of ``arguments`` are converted first."""

    @click.pass_context
    def callback(context: click.Context, /, **inputs: Any) -> Any:
        return run(context.ensure_object(State), **values(arguments, inputs))

    return click.Command(
        name, params=[*parameters, *SHARED_OPTIONS], callback=callback, help=text, epilog=f"\b\nExample:\n  {example}"
    )


def own_command(
    module: str, example: str, *parameters: click.Parameter, arguments: Sequence[Argument] = ()
) -> Callable[[Callable[[], None]], click.Command]:
    """Return a decorator that turns an empty function into a command with its name and its docstring as help.

    The command calls the function of the same name in ``module``.
    """

    def declare(function: Callable[[], None]) -> click.Command:
        name = function.__name__
        run = getattr(LazyModule(f".{module}", __package__), name)
        return make_command(name, run, function.__doc__ or "", example, parameters, arguments)

    return declare


def option(name: str, text: str, **settings: Any) -> click.Option:
    """Return an option with its help, which shows the default if there is one."""
    return click.Option([name], help=text, show_default="default" in settings, **settings)


def file_option(name: str, text: str) -> click.Option:
    """Return an option that takes the path of a file."""
    return option(name, text, metavar="FILE", type=FILE)


def flag(name: str, text: str) -> click.Option:
    """Return an option without a value."""
    return click.Option([name], help=text, is_flag=True)
