"""The command ``checkmk-sync simulate``."""

from __future__ import annotations

import contextlib
import os
import shlex
import signal
import sys
import tempfile
import threading
from typing import Any, Callable, Iterator, Optional

import click

from ..config.secrets import SecretSource
from ..config.settings import Settings
from ..core.private_files import create_private
from .options import State


def simulate(state: State, *, password: Optional[str], password_file: Optional[str], **options: Any) -> None:
    from ..testing import SimulatedSite

    if password is not None and password_file is not None:
        raise click.UsageError("give --password or --password-file, not both")
    if password_file is not None:
        password = SecretSource(file=password_file).reveal()
    secret = password or "simulated-secret"
    # Settings raises for an ID or a user name that no client of the site would accept later.
    Settings("http://localhost", options["site"], options["username"], SecretSource(value=secret))
    try:
        site = SimulatedSite(**options, password=secret)
    except (ValueError, OSError) as error:
        raise click.UsageError(str(error)) from error
    with until_terminated() as wait, site, _password_variable(secret, password, password_file) as variable:
        variables = {"SERVER_URL": site.url, "SITE": site.site, "USERNAME": site.username, **variable}
        if state.as_json:
            state.output.data({"url": site.url, "site": site.site, "username": site.username})
        else:
            state.output.line(f"Simulated Checkmk at {site.api_url}")
            for name, value in variables.items():
                state.output.line(f"export CHECKMK_{name}={shlex.quote(value)}")
        sys.stdout.flush()  # a script that starts the site waits for these lines
        wait()


@contextlib.contextmanager
def _password_variable(secret: str, password: Optional[str], file: Optional[str]) -> Iterator[dict[str, str]]:
    """Yield the environment variable for the password.

    The default password is printed. Any other one is passed in a file, so that it does not appear on the terminal.
    """
    if file is not None:
        yield {"PASSWORD_FILE": os.path.abspath(os.path.expanduser(file))}
    elif password:
        with tempfile.TemporaryDirectory(prefix="checkmk-sync-simulate-") as folder:  # readable by its owner only
            path = os.path.join(folder, "password")
            with open(create_private(path), "w", encoding="utf-8") as stream:
                stream.write(password)
            yield {"PASSWORD_FILE": path}
    else:
        yield {"PASSWORD": secret}


@contextlib.contextmanager
def until_terminated() -> Iterator[Callable[[], None]]:
    """Handle SIGTERM within a ``with`` block, and yield a function that waits for SIGTERM or Ctrl-C."""
    terminated = threading.Event()
    before = signal.signal(signal.SIGTERM, lambda *_: terminated.set())

    def wait() -> None:
        with contextlib.suppress(KeyboardInterrupt):
            while not terminated.wait(0.5):
                pass

    try:
        yield wait
    finally:
        signal.signal(signal.SIGTERM, before)
