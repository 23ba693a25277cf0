"""Options that every command takes, before or after its name, and their effects."""

from __future__ import annotations

import os
import re
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Optional

import click

from .exit_codes import INTERRUPTED, REFUSED, UNKNOWN

if TYPE_CHECKING:
    from ..client.checkmk import Checkmk
    from ..config.settings import Settings
    from ..errors import CheckmkError
    from ..metrics import MetricsCollector
    from .console import Output
    from .outcome import Write

__all__ = ["FILE", "SHARED_OPTIONS", "Declined", "State", "as_options", "ask", "can_ask"]

CONFIG_VARIABLE = "CHECKMK_SYNC_CONFIG"
FILE = click.Path(readable=False)  # for completion only: problems are reported when the file is read


@dataclass
class State:
    """Values of the shared options, wherever they stood, and what the command has done so far."""

    config: Optional[str] = None
    as_json: bool = False
    quiet: bool = False
    verbose: int = 0
    stats: bool = False
    collectors: list[MetricsCollector] = field(default_factory=list)
    if_stopped: str = "nothing was changed"  # said of the site if the command is stopped now
    server_url: str = ""
    write: Optional[Write] = None

    @property
    def output(self) -> Output:
        from .console import Output

        return Output(as_json=self.as_json, quiet=self.quiet)

    @property
    def config_path(self) -> Optional[str]:
        return self.config or os.environ.get(CONFIG_VARIABLE)

    def settings(self) -> Settings:
        """Return the settings from ``--config``, ``CHECKMK_SYNC_CONFIG``, or the ``CHECKMK_…`` variables."""
        from ..config.file import REQUIRED_VARIABLES, from_env, load
        from ..errors import SettingsError

        path = self.config_path
        try:
            settings = load(path) if path else from_env()
        except SettingsError as error:
            if path is not None or all(map(os.environ.get, REQUIRED_VARIABLES)):
                raise
            hint = "or give --config FILE; without a Checkmk server try: checkmk-sync demo"
            raise SettingsError(f"{error}; {hint}", field=error.field) from None
        self.server_url = settings.server_url
        return settings

    def client(self) -> Checkmk:
        from ..client.checkmk import Checkmk

        self.start_logging()
        return self.observe(Checkmk.from_settings(self.settings()))

    def observe(self, client: Checkmk) -> Checkmk:
        """Return the client; ``--stats`` includes its calls, and long waits for lost answers are announced."""
        from .outcome import settling_note

        self.collectors.append(client.collector)
        client.add_settling_hook(lambda settling: self.output.note(settling_note(settling)))
        return client

    def begin_write(self, write: Optional[Write] = None) -> None:
        """Note that the site may be changed from now on, and by which command of the table."""
        self.write = write
        self.if_stopped = "the changes made so far are kept; run it again to continue"

    def report_error(self, error: CheckmkError) -> int:
        """Print an error that ended the command; return the exit code."""
        from ..client.outcomes import Status
        from ..errors import TransportError
        from .outcome import exit_code, failed_status

        message, facts = as_options(str(error)), error.to_dict()
        if isinstance(error, TransportError):
            facts["server_url"] = self.server_url
            message += f"; the server is {self.server_url}"
        if self.write is None:
            self.output.error(message, facts)
            return exit_code(error)
        self.output.error(self.write.failure(error, message), {**facts, **self.write.facts(error)})
        return UNKNOWN if failed_status(error) is Status.UNKNOWN else exit_code(error)

    def start_logging(self) -> None:
        """Log to stderr: with -v warnings and retries, with -vv every request."""
        if self.verbose:
            from .logs import log_to_stderr

            log_to_stderr(every_request=self.verbose > 1)


class Declined(click.Abort):
    """Somebody was asked and did not agree, so nothing was done."""

    def __init__(self, exit_code: int) -> None:
        self.exit_code = exit_code


def can_ask() -> bool:
    """Return True if somebody can answer a question."""
    return sys.stdin is not None and sys.stdin.isatty()


def ask(question: str) -> None:
    """Raise Declined unless the answer is yes; Ctrl-C and the end of the input mean no."""
    try:
        if click.confirm(question, err=True):
            return
    except click.Abort:
        click.echo(err=True)
        raise Declined(INTERRUPTED) from None
    raise Declined(REFUSED)


def as_options(text: str) -> str:
    """Return a message of the library with options of the command line in place of arguments of Python."""
    text = text.replace("force_foreign_changes", "--force-foreign").replace("a mapping file", "a mapping file (--map)")
    return re.sub(r"\bencoding='([^']+)'", r"--encoding \1", text)


def _shared(attribute: str, text: str, *names: str, **settings: Any) -> click.Option:
    def keep(context: click.Context, _parameter: click.Parameter, value: Any) -> None:
        if value:  # may also have been given before or after another part of the command
            setattr(context.ensure_object(State), attribute, value)

    return click.Option([*names], help=text, callback=keep, expose_value=False, **settings)


_CONFIG = f"Configuration file (or set {CONFIG_VARIABLE}, or the CHECKMK_… variables)."
SHARED_OPTIONS = (
    _shared("verbose", "Log to stderr; give it twice to log every request.", "-v", "--verbose", count=True),
    _shared("quiet", "Print no notes and no progress.", "-q", "--quiet", is_flag=True),
    _shared("stats", "Print statistics on stderr: requests, times, bytes, waits.", "--stats", is_flag=True),
    _shared("as_json", "Print JSON.", "--json", is_flag=True),
    _shared("config", _CONFIG, "--config", metavar="FILE", type=FILE),
)
