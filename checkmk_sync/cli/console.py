"""The output of the command line: results on stdout; notes, errors and progress on stderr."""

from __future__ import annotations

import datetime
import json
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Callable, Iterator, Mapping, Optional

from rich.console import Console
from rich.text import Text

from ..core.redaction import mask_secrets
from ..core.text import escape_invisible, pluralize
from .stats import cost_as_text

if TYPE_CHECKING:
    from ..sync import Step

MAX_LINES = 40  # lines of one error message
_MARK_STYLES = {"+ ": "green", "~ ": "yellow", "> ": "cyan", "- ": "red", "! ": "bold red"}


def safe(value: Any) -> str:
    """Return a value as text that is safe on a terminal: control and direction characters are escaped."""
    if value is None:
        return ""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True)
    return escape_invisible(text)


def local_time(value: Any) -> Any:
    """Return an ISO 8601 or UNIX time as local time, such as "2026-11-30 03:36", and any other value unchanged."""
    try:
        if isinstance(value, str):
            # fromisoformat() accepts the suffix Z only from Python 3.11 on.
            moment = datetime.datetime.fromisoformat(value.replace("Z", "+00:00"))
        elif isinstance(value, (int, float)) and not isinstance(value, bool) and value > 0:
            moment = datetime.datetime.fromtimestamp(value, datetime.timezone.utc)
        else:
            return value
        return f"{moment.astimezone():%Y-%m-%d %H:%M}"
    except (ValueError, OverflowError, OSError):
        return value


class Output:
    """The writer of all output: results go to stdout, and notes, errors and progress go to stderr."""

    def __init__(self, *, as_json: bool = False, quiet: bool = False) -> None:
        self.as_json, self.quiet = as_json, quiet
        # Set explicitly, because otherwise FORCE_COLOR makes rich write colours to files and pipes.
        self.is_terminal = sys.stdout.isatty()
        self.console = Console(highlight=False, soft_wrap=True, force_terminal=self.is_terminal)
        self._errors = Console(stderr=True, highlight=False, soft_wrap=True, force_terminal=sys.stderr.isatty())

    def line(self, text: str, style: str = "", *, label: str = "") -> None:
        """Print one line for people on stdout. The style applies to the label, if there is one."""
        shown = safe(text)
        self.console.print(Text.assemble((label, style), shown) if label else Text(shown, style=style))

    def marked_lines(self, text: str) -> None:
        """Print a plan or a report on stdout, with lines coloured by their mark, such as ``+``."""
        for line in text.split("\n"):
            self.line(line, _MARK_STYLES.get(line[:2], ""))

    def note(self, text: str) -> None:
        """Print a line on stderr, unless --quiet is given."""
        if not self.quiet:
            self.question(text)

    def question(self, text: str) -> None:
        """Print a line on stderr, even with --quiet, because a question refers to it."""
        self._errors.print(Text(safe(text)))

    def error(self, message: str, facts: Optional[Mapping[str, Any]] = None) -> None:
        """Print an error on stderr: the message with its line breaks, or ``facts`` with --json."""
        if self.as_json and facts is not None:
            sys.stderr.write(json.dumps(facts, default=str) + "\n")
            return
        lines = message.split("\n")
        if len(lines) > MAX_LINES:
            lines[MAX_LINES:] = [f"  … and {pluralize(len(lines) - MAX_LINES, 'more line')}; --json prints all of them"]
        for number, part in enumerate(lines):
            self._errors.print(Text(f"{'Error: ' if number == 0 else ''}{safe(part)}", style="red"))

    def cost(self, cost: Mapping[str, Any]) -> None:
        """Print statistics on stderr, even with --quiet, because --stats requests them."""
        if self.as_json:
            sys.stderr.write(json.dumps({"stats": cost}) + "\n")
            return
        for line in cost_as_text(cost):
            self.question(line)

    def data(self, data: Any) -> None:
        """Print a value as JSON on stdout."""
        sys.stdout.write(json.dumps(data, indent=2, ensure_ascii=True, default=str) + "\n")

    def record(self, record: Mapping[str, Any]) -> None:
        """Print one object on stdout. Values with a secret name, such as a password, are shown only in JSON."""
        if self.as_json:
            self.data(record)
            return
        for name, value in mask_secrets(record).items():
            if isinstance(value, Mapping):
                self.line(f"{name}:", "bold")
                for key, inner in value.items():
                    self.line(f"  {safe(key)}: {safe(inner)}")
            else:
                self.line(safe(value), "bold", label=f"{name}: ")

    @contextmanager
    def progress(self) -> Iterator[Callable[[Step], None]]:
        """Yield a callback that must be called with each :class:`Step`.

        It draws bars on a terminal, prints a line per stage elsewhere, and prints nothing with --quiet or --json.
        """

        def note(step: Step) -> None:
            if step.done == 0:
                self.note(f"{step.stage} ({step.total})" if step.total > 1 else step.stage)

        if self.quiet or self.as_json:
            yield lambda _step: None
        elif not self._errors.is_terminal:
            yield note
        else:
            from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

            columns = (TextColumn("{task.description:18}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
            with Progress(*columns, console=self._errors) as bars:
                tasks: dict[str, Any] = {}

                def draw(step: Step) -> None:
                    if step.stage not in tasks:
                        tasks[step.stage] = bars.add_task(step.stage, total=step.total)
                    bars.update(tasks[step.stage], completed=step.done, total=step.total)

                yield draw
