"""The command ``checkmk-sync doctor``."""

from __future__ import annotations

import itertools
import warnings

from ..commands.doctor import Verdict, diagnose, findings_of_warnings
from .exit_codes import REFUSED, UNREACHABLE
from .options import State

_OWN_MISTAKES = {"ca_bundle", "credentials", "password"}  # checks that fail because of wrong settings
_STYLES = {Verdict.OK: ("ok", "green"), Verdict.WARNING: ("warning", "yellow"), Verdict.FAILED: ("FAILED", "red")}


def doctor(state: State) -> int:
    state.start_logging()
    output, findings = state.output, []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        settings = state.settings()
    for finding in itertools.chain(findings_of_warnings(caught), diagnose(settings, observe=state.observe)):
        findings.append(finding)
        if not state.as_json:
            word, style = _STYLES[finding.verdict]
            output.line(f"{finding.check}: {finding.message}", style, label=f"{word:8}")
            if finding.advice:
                output.line(f"{'':8}-> {finding.advice}")
    if state.as_json:
        output.data([finding.to_dict() for finding in findings])
    failed = {finding.check for finding in findings if finding.verdict is Verdict.FAILED}
    return 0 if not failed else REFUSED if failed & _OWN_MISTAKES else UNREACHABLE
