"""Make the reference in ``docs/cli.md``, from the commands.

Run: python tools/make_cli_reference.py docs/cli.md
"""

from __future__ import annotations

import inspect
import sys
from pathlib import Path
from typing import Iterator

import click

from checkmk_sync.cli.app import cli

__all__ = ["with_reference"]

HEADING = "## Options of every command\n"


def with_reference(page: str) -> str:
    """Return the page with a new reference: everything from ``HEADING`` on."""
    head = page[: page.index(HEADING)]
    lines = [HEADING, "Every command accepts these options, before or after its name:", "", *_options(cli, shared=True)]
    for name, command in sorted(_commands(cli, "checkmk-sync")):
        lines += ["", f"## {name}", "", *_described(command, name)]
    return head + "\n".join(lines) + "\n"


def _commands(group: click.Group, prefix: str) -> Iterator[tuple[str, click.Command]]:
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from _commands(command, f"{prefix} {name}")
        else:
            yield f"{prefix} {name}", command


def _described(command: click.Command, name: str) -> Iterator[str]:
    arguments = [p for p in command.params if isinstance(p, click.Argument)]
    shown = [f"{str(p.metavar).rstrip('.')}{'...' if p.nargs == -1 else ''}" for p in arguments]
    for paragraph in inspect.cleandoc(command.help or "").split("\n\n"):
        if paragraph.startswith("\b"):  # click does not wrap the lines of this paragraph
            yield from (f"    {line.strip()}" for line in paragraph.splitlines()[1:])
        else:
            yield " ".join(paragraph.split())
        yield ""
    yield f"    {' '.join((name, *shown, '[OPTIONS]'))}"
    options = list(_options(command))
    if options:
        yield from ("", *options)
    if command.epilog:
        yield ""
        yield f"Example: `{command.epilog.partition('  ')[2]}`"


_SHARED = ("config", "json", "quiet", "stats", "verbose")


def _options(command: click.Command, *, shared: bool = False) -> Iterator[str]:
    options = [p for p in command.params if isinstance(p, click.Option) and (p.name in _SHARED) is shared]
    if options:
        yield "| option | effect |"
        yield "|---|---|"
    for option in options:
        names = ", ".join(f"`{name}`" for name in option.opts)
        text = str(option.help or "").replace("|", "\\|")
        default = f" Default: `{option.default}`." if option.show_default and option.default is not None else ""
        choices = f" One of {', '.join(option.type.choices)}." if isinstance(option.type, click.Choice) else ""
        required = " Required." if option.required else ""
        yield f"| {names} | {text}{choices}{default}{required} |"


if __name__ == "__main__":
    path = Path(sys.argv[1])
    path.write_text(with_reference(path.read_text("utf-8")), "utf-8")
