"""``checkmk-sync simulate``."""

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
from .options import State, files, shared_options

__all__ = ["serve", "simulate"]


@click.command(epilog="Example: checkmk-sync simulate --port 5000 --hosts 2000 --version 2.3.0p41")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port",
    default=5000,
    show_default=True,
    type=click.IntRange(0, 65535),
    help="Port to listen on; 0 picks a free one.",
)
@click.option("--site", default="s", show_default=True, help="Site id.")
@click.option("--username", default="automation", show_default=True, help="Automation user.")
@click.option("--password", help="Password of that user; visible in the process list, so for tests only.")
@click.option("--password-file", metavar="FILE", help="File with the password of that user.", shell_complete=files)
@click.option("--hosts", default=0, show_default=True, type=click.IntRange(0), help="Initial number of hosts.")
@click.option(
    "--services", default=30, show_default=True, type=click.IntRange(2), help="Number of services of each host."
)
@click.option("--version", default="2.4.0p18", show_default=True, help="Version of Checkmk.")
@click.option("--edition", default="cre", show_default=True, help="Edition of Checkmk, by any of its names.")
@click.option(
    "--latency", default=0.0, show_default=True, type=click.FloatRange(0), help="Delay per request in seconds."
)
@click.option(
    "--lock-hold", default=0.0, show_default=True, type=click.FloatRange(0), help="Delay per write in seconds."
)
@click.option(
    "--host-cost", default=0.0, show_default=True, type=click.FloatRange(0), help="Delay per written host in seconds."
)
@click.option("--control", is_flag=True, help="Serve /control, which lets tests control the site (this machine only).")
@shared_options
@click.pass_context
def simulate(context: click.Context, /, password: Optional[str], password_file: Optional[str], **options: Any) -> None:
    """Serve a simulated Checkmk site until Ctrl-C."""
    from ..testing import SimulatedSite

    state: State = context.ensure_object(State)
    if password is not None and password_file is not None:
        raise click.UsageError("give --password or --password-file, not both")
    if password_file is not None:
        password = SecretSource(file=password_file).reveal()
    used = password or "simulated-secret"
    # What no client takes is refused here, not when one is tried.
    Settings("http://localhost", options["site"], options["username"], SecretSource(value=used))
    try:
        site = SimulatedSite(**options, password=used)
    except (ValueError, OSError) as error:
        raise click.UsageError(str(error)) from error
    with asked_to_end() as wait, site, _password_variable(used, password, password_file) as variable:
        variables = {
            "CHECKMK_SERVER_URL": site.url,
            "CHECKMK_SITE": site.site,
            "CHECKMK_USERNAME": site.username,
            **variable,
        }
        if state.as_json:
            state.output.data({"url": site.url, "site": site.site, "username": site.username})
        else:
            state.output.line(f"Simulated Checkmk at {site.api_url}")
            for name, value in variables.items():
                state.output.line(f"export {name}={shlex.quote(value)}")
        sys.stdout.flush()  # whoever reads this waits for it, and the end may be far away
        wait()


@contextlib.contextmanager
def _password_variable(used: str, given: Optional[str], file: Optional[str]) -> Iterator[dict[str, str]]:
    """Provide the variable with the password: the default one itself, and any other only by the file that holds it."""
    if file is not None:
        yield {"CHECKMK_PASSWORD_FILE": os.path.abspath(os.path.expanduser(file))}
    elif given:
        with tempfile.TemporaryDirectory(prefix="checkmk-sync-simulate-") as folder:  # readable by its owner only
            path = os.path.join(folder, "password")
            with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as written:
                written.write(given)
            yield {"CHECKMK_PASSWORD_FILE": path}
    else:
        yield {"CHECKMK_PASSWORD": used}


def serve() -> None:
    """Wait until the process is asked to end."""
    with asked_to_end() as ended:
        ended()


@contextlib.contextmanager
def asked_to_end() -> Iterator[Callable[[], None]]:
    """Catch SIGTERM, and provide a function that waits for it or for Ctrl-C."""
    ended = threading.Event()
    before = signal.signal(signal.SIGTERM, lambda *_: ended.set())

    def wait() -> None:
        with contextlib.suppress(KeyboardInterrupt):
            while not ended.wait(0.5):
                pass

    try:
        yield wait
    finally:
        signal.signal(signal.SIGTERM, before)
