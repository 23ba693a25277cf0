"""The command ``checkmk-sync completion``."""

from __future__ import annotations

import click
from click.shell_completion import ShellComplete, get_completion_class

from .options import State

PROGRAM, VARIABLE = "checkmk-sync", "_CHECKMK_SYNC_COMPLETE"

# If a script is in $fpath, zsh loads it as the body of a function, and calls that function at every Tab. The last lines
# of click's own script then complete at most once: from the second Tab on, they only register the function again.
_ZSH_END = """\
if (( $+compstate )); then
    {function} "$@"
else
    compdef {function} {program}
fi
"""


def completion(state: State, shell: str) -> None:
    kind = get_completion_class(shell)
    assert kind is not None
    completer = kind(click.get_current_context().find_root().command, {}, PROGRAM, VARIABLE)
    # kind.source() fails or warns if the bash on this machine is older than 4.4, but the script may be for another one.
    script = ShellComplete.source(completer)
    body, end, _ = script.rpartition("\n}\n\n")
    if shell == "zsh" and end:
        script = body + end + _ZSH_END.format(function=completer.func_name, program=PROGRAM)
    if state.as_json:
        state.output.data({"shell": shell, "script": script})
    else:
        click.echo(script, nl=False)
