"""The options that every command accepts, before or after its name, and the state of a run."""

from __future__ import annotations

import os
import re
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Optional, Union

import click

from ..commands.command import without_python
from .exit_codes import INTERRUPTED, REFUSED, UNKNOWN

if TYPE_CHECKING:
    from ..client.checkmk import Checkmk
    from ..config.settings import Settings
    from ..errors import CheckmkError
    from ..metrics import MetricsCollector
    from .console import Output
    from .outcome import RawWrite, Write

TERMINAL = "/dev/tty"  # the terminal of the process, even if stdin is a pipe; Windows does not have it
CONFIG_VARIABLE = "CHECKMK_SYNC_CONFIG"
# This type only completes file names in shells. The code that reads the file reports errors with better messages.
FILE = click.Path(readable=False)


@dataclass
class State:
    """The values of the shared options, and the facts about a run that its error messages need."""

    config: Optional[str] = None
    as_json: bool = False
    quiet: bool = False
    verbose: int = 0
    stats: bool = False
    collectors: list[MetricsCollector] = field(default_factory=list)
    if_stopped: str = "nothing was changed"  # the effect on the site if Ctrl-C stops the command now
    server_url: str = ""
    write: Union[Write, RawWrite, None] = None

    @property
    def output(self) -> Output:
        from .console import Output

        return Output(as_json=self.as_json, quiet=self.quiet)

    @property
    def config_path(self) -> Optional[str]:
        return self.config or os.environ.get(CONFIG_VARIABLE)

    def settings(self) -> Settings:
        """Return the settings from ``--config``, ``CHECKMK_SYNC_CONFIG``, or the ``CHECKMK_…`` variables.

        Raises SettingsError if they are missing or not valid.
        """
        from ..config.file import REQUIRED_VARIABLES, from_env, load
        from ..errors import SettingsError

        path = self.config_path
        try:
            settings = load(path) if path else from_env()
        except SettingsError as error:
            if path is not None or all(map(os.environ.get, REQUIRED_VARIABLES)):
                raise
            hint = "or give --config FILE. To try it without a Checkmk server, run: checkmk-sync demo"
            raise SettingsError(f"{error}; {hint}", field=error.field) from None
        self.server_url = settings.server_url
        return settings

    def client(self) -> Checkmk:
        from ..client.checkmk import Checkmk

        self.start_logging()
        return self.observe(Checkmk.from_settings(self.settings()))

    def observe(self, client: Checkmk) -> Checkmk:
        """Register a client for ``--stats`` and for notes about lost answers, and return it."""
        from .outcome import settling_note

        self.collectors.append(client.collector)
        client.add_settling_hook(lambda settling: self.output.note(settling_note(settling)))
        return client

    def begin_write(self, write: Union[Write, RawWrite, None] = None) -> None:
        """Record that the site may change from now on. ``write`` describes a command that makes a single write."""
        self.write = write
        self.if_stopped = "the changes made so far are kept. Run the command again to continue"

    def report_error(self, error: CheckmkError) -> int:
        """Print the error that ended the command, and return the exit code."""
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
        """Log to stderr: warnings and retries with -v, and also every request with -vv."""
        if self.verbose:
            from .logs import log_to_stderr

            log_to_stderr(every_request=self.verbose > 1)


class Declined(click.Abort):
    """Raised if the user did not confirm. Nothing was done."""

    def __init__(self, exit_code: int) -> None:
        self.exit_code = exit_code


def can_ask() -> bool:
    """Return True if stdin is a terminal, on which a user can answer a question."""
    return sys.stdin is not None and sys.stdin.isatty()


def require_answers(command: str, advice: str, *, stdin_is: str = "", is_on_terminal: bool = False) -> None:
    """Raise click.UsageError if nobody can answer a question. ``stdin_is`` names the input that stdin contains.

    If ``is_on_terminal``, the terminal of the process can answer in place of stdin.
    """
    if is_on_terminal and not can_ask():
        try:
            open(TERMINAL).close()
        except OSError:
            reason = "there is no terminal"
            raise click.UsageError(f"{command} cannot ask for confirmation, because {reason}; {advice}") from None
    elif stdin_is or not can_ask():
        reason = f"standard input is {stdin_is or 'not a terminal'}"
        raise click.UsageError(f"{command} cannot ask for confirmation, because {reason}; {advice}")


def ask(question: str) -> None:
    """Ask a question. Raises Declined unless the answer is yes; Ctrl-C and the end of the input mean no.

    If stdin is not a terminal, it may contain data, and the answer comes from the terminal of the process.
    """
    try:
        if click.confirm(question, err=True) if can_ask() else _confirm_on_terminal(question):
            return
    except (click.Abort, KeyboardInterrupt):
        click.echo(err=True)
        raise Declined(INTERRUPTED) from None
    raise Declined(REFUSED)


def _confirm_on_terminal(question: str) -> bool:
    with open(TERMINAL, "w") as screen, open(TERMINAL) as keyboard:
        screen.write(f"{question} [y/N]: ")
        screen.flush()
        return keyboard.readline().strip().lower() in ("y", "yes")


def as_options(text: str) -> str:
    """Return a message of the library with its Python arguments replaced by options of the command line."""
    text = without_python(text).replace("force_foreign_changes", "--force-foreign")
    text = text.replace("a mapping file", "a mapping file (--map)")
    return re.sub(r"\bencoding='([^']+)'", r"--encoding \1", text)


def _shared(attribute: str, text: str, *names: str, **settings: Any) -> click.Option:
    def keep(context: click.Context, _parameter: click.Parameter, value: Any) -> None:
        # click calls this for the group and for the command. An absent option must not reset the value of a given one.
        if value:
            setattr(context.ensure_object(State), attribute, value)

    return click.Option([*names], help=text, callback=keep, expose_value=False, **settings)


_CONFIG = f"Read this configuration file (default: the file in {CONFIG_VARIABLE}, else the CHECKMK_… variables)."
SHARED_OPTIONS = (
    _shared(
        "verbose", "Log warnings and retries to stderr; -vv also logs every request.", "-v", "--verbose", count=True
    ),
    _shared("quiet", "Do not print notes and progress.", "-q", "--quiet", is_flag=True),
    _shared("stats", "Print request statistics to stderr.", "--stats", is_flag=True),
    _shared("as_json", "Print results and errors as JSON.", "--json", is_flag=True),
    _shared("config", _CONFIG, "--config", metavar="FILE", type=FILE),
)
