"""``checkmk-sync simulate``."""

from __future__ import annotations

import signal
import sys
import threading
from typing import Any, Optional

import click

from ..credentials import SecretSource
from ..settings import Settings
from .output import Output
from .shared import State, files, shared_options

__all__ = ["serve", "simulate"]


@click.command(epilog="Example: checkmk-sync simulate --port 5000 --hosts 2000 --version 2.3.0p41")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=5000, show_default=True, type=click.IntRange(0, 65535), help="0 takes a free one.")
@click.option("--site", default="s", show_default=True, help="Site id.")
@click.option("--username", default="automation", show_default=True, help="Automation user.")
@click.option("--password", help="Its secret, which everybody can see in the process list: for tests only.")
@click.option("--password-file", metavar="FILE", help="A file with its secret.", shell_complete=files)
@click.option("--hosts", default=0, show_default=True, type=click.IntRange(0), help="Hosts at the start.")
@click.option("--services", default=30, show_default=True, type=click.IntRange(2), help="Services of each host.")
@click.option("--version", default="2.4.0p18", show_default=True, help="Version of Checkmk.")
@click.option("--edition", default="cre", show_default=True, help="Edition, by any of its names.")
@click.option("--latency", default=0.0, show_default=True, type=click.FloatRange(0), help="Seconds per request.")
@click.option("--lock-hold", default=0.0, show_default=True, type=click.FloatRange(0), help="Seconds per write.")
@click.option("--host-cost", default=0.0, show_default=True, type=click.FloatRange(0), help="Seconds per host written.")
@click.option("--control", is_flag=True, help="Serve /control, with which tests steer the site (this machine only).")
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
    with site:
        if state.as_json:
            state.output.data({"url": site.url, "site": site.site, "username": site.username})
        else:
            _explain(state.output, site, shown=None if password else site.password)
        sys.stdout.flush()  # whoever reads this waits for it, and the end may be far away
        serve()


def _explain(output: Output, site: Any, shown: Optional[str]) -> None:
    output.line(f"Simulated Checkmk at {site.api_url}")
    output.line(f"export CHECKMK_SERVER_URL={site.url} CHECKMK_SITE={site.site} CHECKMK_USERNAME={site.username}")
    if shown is not None:
        output.line(f"export CHECKMK_PASSWORD={shown}")


def serve() -> None:
    """Wait until the process is asked to end."""
    ended = threading.Event()
    before = signal.signal(signal.SIGTERM, lambda *_: ended.set())
    try:
        while not ended.wait(0.5):
            pass
    except KeyboardInterrupt:
        pass
    finally:
        signal.signal(signal.SIGTERM, before)
