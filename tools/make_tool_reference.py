"""Make the table of tools in ``docs/mcp.md``, from the commands.

Run: python tools/make_tool_reference.py, and paste the output into the page.
"""

from __future__ import annotations

import sys

from checkmk_sync.commands import COMMANDS
from checkmk_sync.commands.command import TOOL

__all__ = ["reference"]


def reference() -> str:
    """Return a Markdown table of all tools. A server offers a subset of them, which depends on its options."""
    rows = ["| tool | kind | effect | arguments |", "|---|---|---|---|"]
    for command in COMMANDS:
        if TOOL not in command.faces or not command.own_tools:
            continue
        asks = f", asks with `{command.asks_if}`" if command.asks_if else ", asks" if command.needs_approval else ""
        kind = f"writes{' locally' if command.local else ''}{asks}" if command.writes else "reads"
        arguments = [argument for argument in command.arguments if argument.kind != "path"]
        names = [f"**{argument.name}**" if argument.required else argument.name for argument in arguments]
        names += ["limit", "cursor"] if command.gives_rows else []
        row = f"| `{command.tool_name}` | {kind} | {command.help} | {', '.join(names)} |"
        rows.append(row.replace("…", "..."))
    return "\n".join(rows) + "\n"


if __name__ == "__main__":
    sys.stdout.write(reference())
