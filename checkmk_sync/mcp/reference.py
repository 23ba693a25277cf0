"""The table of tools for the documentation: ``python -m checkmk_sync.mcp.reference``."""

from __future__ import annotations

import sys

from ..commands import COMMANDS, Command

__all__ = ["reference"]


def reference() -> str:
    """A Markdown table of all tools; which of them a server offers depends on how it was started."""
    rows = ["| tool | kind | what it does | arguments |", "|---|---|---|---|"]
    rows += [_row(verb) for verb in COMMANDS if "tool" in verb.faces]
    return "\n".join(rows) + "\n"


def _row(verb: Command) -> str:
    asks = f", asks with `{verb.asks_if}`" if verb.asks_if else ", asks" if verb.needs_approval else ""
    kind = f"writes{asks}" if verb.writes else "reads"
    names = [
        f"**{argument.name}**" if argument.required else argument.name
        for argument in verb.arguments
        if not (verb.gives_rows and argument.name == "limit")
    ]
    names += ["limit", "cursor"] if verb.gives_rows else []
    shown = "reads" if verb.local else kind
    return f"| `{verb.tool_name}` | {shown} | {verb.help} | {', '.join(names)} |".replace("…", "...")


if __name__ == "__main__":
    sys.stdout.write(reference())
