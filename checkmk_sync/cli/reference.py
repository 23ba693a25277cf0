"""The CLI reference as Markdown: ``python -m checkmk_sync.cli.reference > docs/cli.md``."""

from __future__ import annotations

import inspect
import sys
from typing import Iterator

import click

from .app import cli

__all__ = ["reference"]

HEAD = """\
# What can I do on the command line?

Generated from the commands themselves by `python -m checkmk_sync.cli.reference`.

Results go to stdout, everything else to stderr. On a terminal lists are tables with one line a row, cut to its width,
with states in colour (set `NO_COLOR` for none). In a pipe they are lines with tabs, and with `--json` they are JSON.
Times are local; with `--json` they are as the site says them. Deleting asks, and so does `apply`; without a terminal
give `--yes`.

| exit code | meaning |
|---|---|
| 0 | done, or nothing to do |
| 1 | failed or partly failed; or the results could not be written, on a full disk |
| 2 | refused: bad input, a name or value that the site does not know (400, 404), wrong credentials, a missing \
permission, a setting that is missing or wrong, an unsafe plan, or you said no |
| 3 | site not reachable, or no site at the address |
| 4 | only with `plan --detailed-exitcode`: there is something to do |
| 5 | unknown whether a write was done: its answer was lost, and reading could not settle it; the message says how to \
check |
| 130 | stopped with Ctrl-C, or with the end of the input at a question |

What becomes of stdout does not change what is done: `apply` does its work when the reader leaves (`| head`), and the
exit code is the same. Letters that the encoding of the terminal does not have are written out, as `\\u0142`.

`checkmk-sync completion SHELL` prints the script with which bash, zsh or fish complete all that is on this page.

These options stand before or after the command:
"""


def reference() -> str:
    """The whole page."""
    lines = [HEAD, *_options(cli, shared=True)]
    for name, command in sorted(_commands(cli, "checkmk-sync")):
        lines += ["", f"## {name}", "", *_described(command, name)]
    return "\n".join(lines) + "\n"


def _commands(group: click.Group, prefix: str) -> Iterator[tuple[str, click.Command]]:
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from _commands(command, f"{prefix} {name}")
        else:
            yield f"{prefix} {name}", command


def _described(command: click.Command, name: str) -> Iterator[str]:
    arguments = [str(p.metavar) for p in command.params if isinstance(p, click.Argument)]
    many = {str(p.metavar) for p in command.params if isinstance(p, click.Argument) and p.nargs == -1}
    shown = (f"{text}..." if text in many and not text.endswith("...") else text for text in arguments)
    for paragraph in inspect.cleandoc(command.help or "").split("\n\n"):
        yield from _as_code(paragraph) if paragraph.startswith("\b") else (" ".join(paragraph.split()),)
        yield ""
    yield f"    {' '.join((name, *shown, '[OPTIONS]'))}"
    options = list(_options(command))
    if options:
        yield from ("", *options)
    if command.epilog:
        yield ""
        yield f"Example: `{command.epilog.partition('Example: ')[2]}`"


def _as_code(paragraph: str) -> Iterator[str]:
    """The lines of a paragraph that click must not wrap."""
    return (f"    {line.strip()}" for line in paragraph.splitlines()[1:])


_SHARED = ("config", "json", "quiet", "stats", "verbose")


def _options(command: click.Command, *, shared: bool = False) -> Iterator[str]:
    options = [p for p in command.params if isinstance(p, click.Option) and (p.name in _SHARED) is shared]
    if options:
        yield "| option | what it does |"
        yield "|---|---|"
    for option in options:
        names = ", ".join(f"`{name}`" for name in option.opts)
        text = str(option.help or "").replace("|", "\\|")
        default = f" Default: `{option.default}`." if option.show_default and option.default is not None else ""
        choices = f" One of {', '.join(option.type.choices)}." if isinstance(option.type, click.Choice) else ""
        yield f"| {names} | {text}{choices}{default} |"


if __name__ == "__main__":
    sys.stdout.write(reference())
