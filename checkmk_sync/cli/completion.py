"""``checkmk-sync completion``."""

from __future__ import annotations

from typing import Any

import click
from click.shell_completion import ShellComplete, get_completion_class

from .options import State, shared_options

__all__ = ["completion"]

PROGRAM, VARIABLE = "checkmk-sync", "_CHECKMK_SYNC_COMPLETE"
SHELLS = ("bash", "zsh", "fish")

# zsh loads a script from $fpath as the body of a function that it calls at every Tab. There the end of click's own
# script completes at the first Tab at most; at the second it only registers the function again.
_ZSH_END = """\
if (( $+compstate )); then
    {function} "$@"
else
    compdef {function} {program}
fi
"""

_HELP = """\
Print a script that completes commands, options, choices and files when you press Tab.

Install it once, and again after each upgrade; it takes effect in new shells. For bash (4.4 or later, with the package
bash-completion), for fish, and for zsh (add the line to ~/.zshrc, after compinit):

\b
  checkmk-sync completion bash > ~/.local/share/bash-completion/completions/checkmk-sync
  checkmk-sync completion fish > ~/.config/fish/completions/checkmk-sync.fish
  source <(checkmk-sync completion zsh)

The script contacts no site and needs no settings.
"""


@click.command(
    help=_HELP,
    epilog="Example: checkmk-sync completion fish | source",
)
@click.argument("shell", type=click.Choice(SHELLS), metavar="SHELL")
@shared_options
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    state: State = context.ensure_object(State)
    script = _script(context.find_root().command, shell)
    if state.as_json:
        state.output.data({"shell": shell, "script": script})
    else:
        click.echo(script, nl=False)


def _script(command: Any, shell: str) -> str:
    kind = get_completion_class(shell)
    assert kind is not None
    made = kind(command, {}, PROGRAM, VARIABLE)
    # Not kind.source(): for bash it fails or warns if the bash on this machine is older than 4.4.
    script = ShellComplete.source(made)
    body, end, _ = script.rpartition("\n}\n\n")
    if shell == "zsh" and end:
        script = body + end + _ZSH_END.format(function=made.func_name, program=PROGRAM)
    return script
