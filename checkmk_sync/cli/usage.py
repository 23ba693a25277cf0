"""Messages about invalid command lines: one line each, with suggestions for misspelled names."""

from __future__ import annotations

from typing import Iterable

import click

from ..core.text import close_matches, escape_invisible

__all__ = ["unknown_command", "usage_message"]


def unknown_command(context: click.Context, name: str, known: Iterable[str]) -> click.UsageError:
    known = sorted(known)
    similar = close_matches(name, known)
    hint = f"; did you mean {' or '.join(map(repr, similar))}? The commands are" if similar else "; the commands are"
    group = "" if context.parent is None else f" {context.info_name!r}"
    names = f"{', '.join(known)} (see {context.command_path} --help or docs/cli.md)"
    return click.UsageError(f"unknown{group} command {name!r}{hint}: {names}")


def usage_message(error: click.ClickException) -> str:
    """Return the message of a click error as one line."""
    if isinstance(error, click.MissingParameter):  # click lists the choices on several lines
        return " ".join(error.format_message().split())
    return escape_invisible(_unknown_option(error) if isinstance(error, click.NoSuchOption) else error.format_message())


def _unknown_option(error: click.NoSuchOption) -> str:
    """Return the message for an unknown option. It suggests only similar options; click also suggests distant ones."""
    context = error.ctx
    known = [] if context is None else [name for option in context.command.params for name in option.opts]
    similar = close_matches(error.option_name, (name for name in known if name.startswith("--")))
    hint = f"did you mean {' or '.join(similar)}? For all options, run" if similar else "for all options, run"
    return f"unknown option {error.option_name}; {hint}: {'' if context is None else context.command_path} --help"
