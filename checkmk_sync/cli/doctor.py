"""``checkmk-sync doctor``."""

from __future__ import annotations

import itertools
import warnings

import click
from rich.text import Text

from ..commands.doctor import Finding, Verdict, diagnose, warned
from .console import safe
from .options import REFUSED, UNREACHABLE, State, shared_options

__all__ = ["doctor"]

_OURS = {"ca_bundle", "credentials", "password"}
_STYLES = {Verdict.OK: ("ok", "green"), Verdict.WARNING: ("warning", "yellow"), Verdict.FAILED: ("FAILED", "red")}


@click.command(epilog="Example: checkmk-sync --config config.yaml doctor")
@shared_options
@click.pass_context
def doctor(context: click.Context) -> int:
    """Check the connection from this machine to the site, and explain problems and their fixes.

    Exits with 0 if there are no problems or only warnings, with 2 if credentials or settings are wrong, and with 3
    if the site cannot be reached or used.
    """
    state: State = context.ensure_object(State)
    state.start_logging()
    output, found = state.output, []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        settings = state.settings()
    for finding in itertools.chain(warned(caught), diagnose(settings, watch=state.watch)):
        found.append(finding)
        if not state.as_json:
            _show(output.console, finding)
    if state.as_json:
        output.data([finding.to_dict() for finding in found])
    failed = {finding.check for finding in found if finding.verdict is Verdict.FAILED}
    return 0 if not failed else REFUSED if failed & _OURS else UNREACHABLE


def _show(console: object, finding: Finding) -> None:
    word, style = _STYLES[finding.verdict]
    line = Text.assemble((f"{word:8}", style), f"{finding.check}: {safe(finding.said)}")
    console.print(line)  # type: ignore[attr-defined]
    if finding.advice:
        console.print(Text(f"{'':8}-> {safe(finding.advice)}"))  # type: ignore[attr-defined]
