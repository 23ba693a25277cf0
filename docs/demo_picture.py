"""Draw the output of ``checkmk-sync demo``. Run: python docs/demo_picture.py > docs/images/demo.svg"""

from __future__ import annotations

import contextlib
import io
import os
import pty
import re
import subprocess
import sys

from rich.console import Console
from rich.terminal_theme import DIMMED_MONOKAI
from rich.text import Text

COLUMNS = 100
STATISTICS = re.compile(r"\n(?:\x1b\[[\d;]*m)*6\. ")  # the last step; the picture ends before it

# As in rich, but without the web font, which viewers of images do not load.
FORMAT = """<svg class="rich-terminal" viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg">
<title>checkmk-sync demo</title>
<style>
.{unique_id}-matrix {{ font-family: ui-monospace, Menlo, Consolas, "DejaVu Sans Mono", monospace;
  font-size: {char_height}px; line-height: {line_height}px; font-variant-east-asian: full-width; }}
.{unique_id}-title {{ font-size: 18px; font-family: sans-serif; }}
{styles}
</style>
<defs>
<clipPath id="{unique_id}-clip-terminal">
<rect x="0" y="0" width="{terminal_width}" height="{terminal_height}" />
</clipPath>
{lines}
</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix">
{matrix}
</g>
</g>
</svg>
"""


def demo_output() -> str:
    """Return the output of the demo on a terminal, with its colours."""
    environment = {**os.environ, "COLUMNS": str(COLUMNS), "TERM": "xterm-256color", "COLORTERM": "truecolor"}
    environment.pop("NO_COLOR", None)
    ours, terminal = pty.openpty()
    command = [sys.executable, "-m", "checkmk_sync", "--quiet", "demo"]
    demo = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=terminal, env=environment)
    os.close(terminal)
    output = bytearray()
    with contextlib.suppress(OSError):  # Linux reports the end of a terminal as EIO
        while data := os.read(ours, 4096):
            output += data
    if demo.wait() != 0:
        sys.exit(f"the demo ended with exit code {demo.returncode}")
    return output.decode("utf-8").replace("\r\n", "\n")


def draw(output: str) -> str:
    """Return an SVG of the output up to the statistics."""
    shown = STATISTICS.split(output)[0]
    shown = re.sub(r"/\S+/checkmk-sync-demo-\w+/", "", shown)  # a directory that is gone after the demo
    console = Console(record=True, width=COLUMNS, file=io.StringIO(), force_terminal=True)
    console.print(Text("$ checkmk-sync demo", "bold"))
    console.print(Text.from_ansi(shown.strip()))
    return console.export_svg(title="checkmk-sync demo", theme=DIMMED_MONOKAI, code_format=FORMAT, unique_id="demo")


if __name__ == "__main__":
    sys.stdout.write(draw(demo_output()))
