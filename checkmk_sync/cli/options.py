"""Options that every command takes, before or after its name."""

from __future__ import annotations

import logging
import os
import re
import sys
from dataclasses import dataclass, field
from typing import Any, Callable, Optional, TypeVar

import click
from click.shell_completion import CompletionItem

from ..client.checkmk import Checkmk
from ..config.file import REQUIRED_VARIABLES, from_env, load, load_sync
from ..config.settings import Settings, SyncSettings
from ..errors import SettingsError
from ..metrics import MetricsCollector
from .console import Output, safe
from .outcome import Writing, settling_note

__all__ = [
    "INTERRUPTED",
    "REFUSED",
    "UNREACHABLE",
    "Declined",
    "OneLine",
    "State",
    "as_options",
    "ask",
    "can_ask",
    "files",
    "folders",
    "shared_options",
]

F = TypeVar("F", bound=Callable[..., Any])

CONFIG_VARIABLE = "CHECKMK_SYNC_CONFIG"

REFUSED, UNREACHABLE, INTERRUPTED = 2, 3, 130  # exit codes


@dataclass
class State:
    """What the shared options say, wherever they stood. ``kept`` is what is true of the site if it ends now."""

    config: Optional[str] = None
    as_json: bool = False
    quiet: bool = False
    verbose: int = 0
    stats: bool = False
    collectors: list[MetricsCollector] = field(default_factory=list)
    kept: str = "nothing was changed"
    server_url: str = ""
    writing: Optional[Writing] = None

    @property
    def output(self) -> Output:
        return Output(as_json=self.as_json, quiet=self.quiet)

    def settings(self) -> Settings:
        """From ``--config``, ``CHECKMK_SYNC_CONFIG`` or the ``CHECKMK_…`` variables of the environment."""
        path = self.config or os.environ.get(CONFIG_VARIABLE)
        try:
            settings = load(path) if path else from_env()
        except SettingsError as error:
            if path is not None or all(map(os.environ.get, REQUIRED_VARIABLES)):
                raise
            hint = "or give --config FILE; without a Checkmk server try: checkmk-sync demo"
            raise SettingsError(f"{error}; {hint}", field=error.field) from None
        self.server_url = settings.server_url
        return settings

    def sync_settings(self) -> SyncSettings:
        """How inventories are read. That needs neither a site nor credentials."""
        path = self.config or os.environ.get(CONFIG_VARIABLE)
        return load_sync(path) if path else SyncSettings()

    def client(self) -> Checkmk:
        self.start_logging()
        return self.watch(Checkmk.from_settings(self.settings()))

    def watch(self, client: Checkmk) -> Checkmk:
        """The client; what it costs is shown by ``--stats``."""
        self.collectors.append(client.collector)
        client.add_settling_hook(lambda settling: self.output.note(settling_note(settling)))
        return client

    def begin_writing(self, writing: Optional[Writing] = None) -> None:
        """Note that something may have been changed from now on, and by which command of the table."""
        self.writing = writing
        self.kept = "what was done is kept, run it again to go on"

    def start_logging(self) -> None:
        """Log to stderr: with -v warnings and retries, with -vv every request."""
        if self.verbose:
            handler = logging.StreamHandler()
            handler.setFormatter(OneLine("%(asctime)s %(levelname)s %(name)s: %(message)s"))
            logger = logging.getLogger("checkmk_sync")
            logger.addHandler(handler)
            logger.setLevel(logging.DEBUG if self.verbose > 1 else logging.INFO)


class OneLine(logging.Formatter):
    """Escapes line breaks in messages, which may quote the site. Tracebacks keep their lines."""

    def formatMessage(self, record: logging.LogRecord) -> str:
        return safe(super().formatMessage(record))


class Declined(click.Abort):
    """Somebody was asked and did not agree, so nothing was done."""

    def __init__(self, exit_code: int) -> None:
        self.exit_code = exit_code


def can_ask() -> bool:
    """True where somebody can answer a question."""
    return sys.stdin is not None and sys.stdin.isatty()


def ask(question: str) -> None:
    """Raises Declined unless the answer is yes; Ctrl-C and the end of the input are no."""
    try:
        if click.confirm(question, err=True):
            return
    except click.Abort:
        click.echo(err=True)
        raise Declined(INTERRUPTED) from None
    raise Declined(REFUSED)


def as_options(text: str) -> str:
    """What the library says, with the options of the command line in place of arguments of Python."""
    text = text.replace("force_foreign_changes", "--force-foreign").replace("a mapping file", "a mapping file (--map)")
    return re.sub(r"\bencoding='([^']+)'", r"--encoding \1", text)


def _keep(name: str) -> Callable[[click.Context, click.Parameter, Any], Any]:
    def callback(context: click.Context, _parameter: click.Parameter, value: Any) -> Any:
        if value:  # given here; elsewhere it may have been given before
            setattr(context.ensure_object(State), name, value)
        return value

    return callback


def files(_context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[Any]:
    """Let the shell complete the names of files."""
    return [CompletionItem(incomplete, type="file")]


def folders(_context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[Any]:
    """Let the shell complete the names of folders."""
    return [CompletionItem(incomplete, type="dir")]


def shared_options(command: F) -> F:
    """Add ``--config``, ``--json``, ``--stats``, ``-q`` and ``-v`` to a command."""
    options = (
        click.option(
            "--config",
            metavar="FILE",
            help=f"Configuration file (or set {CONFIG_VARIABLE}, or the CHECKMK_… variables).",
            callback=_keep("config"),
            shell_complete=files,
            expose_value=False,
        ),
        click.option("--json", is_flag=True, help="Print JSON.", callback=_keep("as_json"), expose_value=False),
        click.option(
            "--stats",
            is_flag=True,
            help="Print statistics on stderr: requests, times, bytes, waits.",
            callback=_keep("stats"),
            expose_value=False,
        ),
        click.option(
            "-q",
            "--quiet",
            is_flag=True,
            help="Print no notes and no progress.",
            callback=_keep("quiet"),
            expose_value=False,
        ),
        click.option(
            "-v",
            "--verbose",
            count=True,
            help="Log to stderr; give it twice to log every request.",
            callback=_keep("verbose"),
            expose_value=False,
        ),
    )
    for option in options:
        command = option(command)
    return command
