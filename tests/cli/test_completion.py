"""Pressing Tab completes commands, options, choices and files, in every shell and without a site or settings."""

from __future__ import annotations

import os
import pty
import re
import select
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Iterator

import click
import click.shell_completion
import pytest

from checkmk_sync.testing import SimulatedSite
from tests.conftest import ROOT, Run

SHELLS = ("bash", "zsh", "fish")
FILE_OPTIONS = {"config", "input_file", "save", "password_file", "audit_log", "html", "journal", "out", "token_file"}


@pytest.fixture
def without_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CHECKMK_SYNC_CONFIG", str(tmp_path / "there-is-no-such-file.yaml"))


@pytest.mark.parametrize("shell", SHELLS)
def test_the_script_is_printed_for_every_shell(without_settings: None, sync: Run, shell: str) -> None:
    printed = sync("completion", shell)
    assert (printed.code, printed.err) == (0, "")
    assert f"_CHECKMK_SYNC_COMPLETE={shell}_complete" in printed.out
    assert "checkmk-sync" in printed.out
    assert sync("completion", shell, "--json").data == {"shell": shell, "script": printed.out}


@pytest.mark.parametrize("arguments", [["completion"], ["completion", "tcsh"], ["completion", "bash", "zsh"]])
def test_unknown_shells_are_refused(sync: Run, arguments: list[str]) -> None:
    refused = sync(*arguments)
    assert (refused.code, refused.out) == (2, "")
    assert refused.err.startswith("Error: ")


def test_the_help_shows_how_to_install_the_script(sync: Run) -> None:
    text = sync("completion", "--help").out
    assert "checkmk-sync completion bash > ~/.local/share/bash-completion/completions/checkmk-sync" in text
    assert "checkmk-sync completion fish > ~/.config/fish/completions/checkmk-sync.fish" in text
    assert "source <(checkmk-sync completion zsh)" in text


def _install_program(folder: Path, python: str = sys.executable) -> Path:
    """Install the program as checkmk-sync, the name that shells complete, and return its folder."""
    folder.mkdir(exist_ok=True)
    program = folder / "checkmk-sync"
    program.write_text(f"#!{python}\nfrom checkmk_sync.cli import main\nmain()\n")
    program.chmod(0o755)
    return folder


@pytest.fixture
def home(tmp_path: Path) -> Iterator[dict[str, str]]:
    """An environment with the program on its PATH, but without a site and without settings."""
    (tmp_path / "inventory-of-all.yaml").write_text("hosts: []\n")
    yield _environment(tmp_path, _install_program(tmp_path / "bin"))


def _environment(home: Path, program: Path) -> dict[str, str]:
    path = f"{program}{os.pathsep}{os.environ['PATH']}"
    kept = {name: os.environ[name] for name in ("LANG", "LC_ALL") if name in os.environ}
    known = {"PATH": path, "HOME": str(home), "PYTHONPATH": str(ROOT), "TERM": "dumb", "COLUMNS": "300"}
    return {**kept, **known, "CHECKMK_SYNC_CONFIG": "/there/is/no/such/file.yaml"}


def _completions(home: dict[str, str], *words: str) -> list[str]:
    """Return the completions of an unfinished line for bash, as ``type,value``."""
    variables = {
        "_CHECKMK_SYNC_COMPLETE": "bash_complete",
        "COMP_WORDS": " ".join(words),
        "COMP_CWORD": str(len(words) - 1),
    }
    done = subprocess.run(["checkmk-sync"], env={**home, **variables}, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.split()


LINES: dict[tuple[str, ...], set[str]] = {
    ("ho",): {"plain,host-groups", "plain,hosts"},
    ("hosts", "li"): {"plain,list"},
    ("hosts", "list", "--sea"): {"plain,--search"},
    ("services", "list", "--state", "cr"): {"plain,critical"},
    ("completion", ""): {f"plain,{shell}" for shell in SHELLS},
    ("--config", "inv"): {"file,inv"},
    ("plan", "inv"): {"file,inv"},
    ("mcp", "--sync-folder", "x"): {"dir,x"},
    ("hosts", "get", "ho"): set(),
}


@pytest.mark.slow
@pytest.mark.parametrize("line", LINES, ids=" ".join)
def test_completions_for_bash(home: dict[str, str], line: tuple[str, ...]) -> None:
    assert set(_completions(home, "checkmk-sync", *line)) == LINES[line]


@pytest.mark.slow
@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("what", ["source", "complete"])
def test_the_completion_variable_of_click_works(home: dict[str, str], shell: str, what: str) -> None:
    variables = {"_CHECKMK_SYNC_COMPLETE": f"{shell}_{what}", "COMP_WORDS": "checkmk-sync ho", "COMP_CWORD": "1"}
    if shell == "fish":
        variables["COMP_CWORD"] = "ho"
    done = subprocess.run(["checkmk-sync"], env={**home, **variables}, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert ("checkmk-sync" if what == "source" else "hosts") in done.stdout


def test_arguments_and_options_for_files_complete_files() -> None:
    from checkmk_sync.cli.app import cli

    def parameters(command: Any) -> Iterator[click.Parameter]:
        yield from command.params
        for below in getattr(command, "commands", {}).values():
            yield from parameters(below)

    context = click.Context(cli)
    completions = {entry.name: entry.shell_complete(context, "x") for entry in parameters(cli)}
    kinds = {name: {item.type for item in items} for name, items in completions.items()}
    assert {name for name, kind in kinds.items() if kind == {"file"}} == {*FILE_OPTIONS, "inventory", "files", "plan"}
    assert {name for name, kind in kinds.items() if kind == {"dir"}} == {"sync_folder"}


def _proposals(words: str, text: str) -> list[str]:
    from checkmk_sync.cli.app import cli

    completer = click.shell_completion.ShellComplete(cli, {}, "checkmk-sync", "_CHECKMK_SYNC_COMPLETE")
    return [item.value for item in completer.get_completions(words.split(), text)]


def test_attributes_of_the_site_are_completed(site_for_cli: SimulatedSite) -> None:
    site_for_cli.add_custom_attribute("tagline")
    with site_for_cli.client() as cmk:
        cmk.hosts.create("web01")
        cmk.tag_groups.create(
            "tier", title="Tier", tags=[{"id": "gold", "title": "Gold"}, {"id": "tin", "title": "Tin"}]
        )
    of_host = "hosts update web01 --attribute"
    assert _proposals(of_host, "tag_p") == ["tag_piggyback"]
    assert _proposals(of_host, "tag_t") == ["tag_tier"]
    assert _proposals(of_host, "tagl") == ["tagline"]
    assert _proposals(of_host, "tag_tier=") == ["tag_tier=gold", "tag_tier=tin"]
    assert _proposals(of_host, "tag_snmp_ds=snmp") == ["tag_snmp_ds=snmp-v2", "tag_snmp_ds=snmp-v1"]
    assert _proposals("hosts update web01 --remove", "tagl") == ["tagline"]
    assert _proposals("folders update /x --attribute", "tag_t") == ["tag_tier"]
    assert _proposals("hosts create new --attribute", "tagl") == []  # no host tells the custom attributes


def test_without_a_site_the_built_in_attributes_are_completed(
    site_for_cli: SimulatedSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    site_for_cli.close()
    line = "hosts update web01 --attribute"
    assert _proposals(line, "ipa") == ["ipaddress"]
    assert _proposals(line, "management_protocol=s") == ["management_protocol=snmp"]
    monkeypatch.setenv("CHECKMK_SYNC_CONFIG", "/there/is/no/such/file.yaml")
    assert _proposals(line, "tag_a") == ["tag_address_family", "tag_agent"]


# Pressing Tab


COMMANDS = {"bash": ["bash", "--norc", "--noprofile", "-i"], "zsh": ["zsh", "-f", "-i"]}
COMPINIT = "autoload -U compinit; compinit -u -D"
# How a shell loads the script: when it starts, or from a folder in $fpath at the first Tab.
SOURCED = {
    "bash": "source <(checkmk-sync completion bash)",
    "zsh": f"{COMPINIT}; source <(checkmk-sync completion zsh)",
}
AUTOLOADED = f"mkdir site; checkmk-sync completion zsh > site/_checkmk-sync; fpath=(~/site $fpath); {COMPINIT}"
TYPED = {
    "checkmk-sync fol\t": "checkmk-sync folders ",
    "checkmk-sync hosts ren\t": "checkmk-sync hosts rename ",
    "checkmk-sync hosts list --fol\t": "checkmk-sync hosts list --folder ",
    "checkmk-sync services list --state crit\t": "checkmk-sync services list --state critical ",
    "checkmk-sync plan inventory-o\t": "checkmk-sync plan inventory-of-all.yaml ",
    "checkmk-sync --config inventory-o\t": "checkmk-sync --config inventory-of-all.yaml ",
}


class Shell:
    """An interactive shell on a pseudo-terminal."""

    def __init__(self, kind: str, environment: dict[str, str], prepared: str) -> None:
        self._main, ours = pty.openpty()
        self._process = subprocess.Popen(
            COMMANDS[kind],
            stdin=ours,
            stdout=ours,
            stderr=ours,
            env=environment,
            cwd=environment["HOME"],
            start_new_session=True,
        )
        os.close(ours)
        self._seen = b""
        self.type(f"{prepared}; echo rea''dy\r")
        assert self.shows("ready"), self._seen

    def type(self, text: str) -> None:
        os.write(self._main, text.encode())

    def shows(self, text: str, within_s: float = 20.0) -> bool:
        ends = time.monotonic() + within_s
        while time.monotonic() < ends and text.encode() not in self._seen:
            if select.select([self._main], [], [], 0.05)[0]:
                self._seen += os.read(self._main, 65536)
        return text.encode() in self._seen

    def end(self) -> None:
        self._process.kill()
        self._process.wait()
        os.close(self._main)


def _press_tab(environment: dict[str, str], kind: str, prepared: str) -> None:
    if shutil.which(kind) is None:
        pytest.skip(f"{kind} is not installed")
    shell = Shell(kind, environment, prepared)
    try:
        for typed, shown in TYPED.items():
            shell.type(typed)
            assert shell.shows(shown), (typed, shell._seen)
            shell.type("\x15")  # Ctrl-U clears the line
    finally:
        shell.end()


def _ask_fish(environment: dict[str, str]) -> None:
    if shutil.which("fish") is None:
        pytest.skip("fish is not installed")
    for typed, shown in TYPED.items():
        script = f"checkmk-sync completion fish | source; complete -C '{typed.rstrip()}'"
        done = subprocess.run(
            ["fish", "--no-config", "-c", script], env=environment, cwd=environment["HOME"], stdout=-1
        )
        assert done.stdout.decode().split("\t")[0].strip() == shown.split()[-1], typed


@pytest.mark.slow
@pytest.mark.parametrize("kind", SOURCED)
def test_pressing_tab_completes(home: dict[str, str], kind: str) -> None:
    _press_tab(home, kind, SOURCED[kind])


@pytest.mark.slow
def test_fish_completes(home: dict[str, str]) -> None:
    _ask_fish(home)


@pytest.mark.slow
def test_the_first_tab_completes_if_zsh_autoloads_the_script(home: dict[str, str]) -> None:
    _press_tab(home, "zsh", AUTOLOADED)


# The oldest click and rich that setup.cfg allows


@pytest.fixture(scope="module")
def oldest(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """An environment with the oldest click and rich in a venv, and all other packages from this environment."""
    folder = tmp_path_factory.mktemp("oldest")
    venv = folder / "venv"
    subprocess.run([sys.executable, "-m", "venv", str(venv)], check=True)
    python = venv / "bin" / "python"
    allowed = dict(re.findall(r"^    (click|rich)>=([\d.]+)$", (ROOT / "setup.cfg").read_text("utf-8"), re.MULTILINE))
    command = [str(python), "-m", "pip", "install", "-q", *(f"{name}=={oldest}" for name, oldest in allowed.items())]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        pytest.skip(f"cannot install {allowed}: {done.stderr[-300:]}")
    purelib = subprocess.run(
        [str(python), "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"], stdout=-1, text=True, check=True
    )
    here = "\n".join(path for path in sys.path if path.endswith("-packages"))
    (Path(purelib.stdout.strip()) / "rest.pth").write_text(here)
    (folder / "inventory-of-all.yaml").write_text("hosts: [{name: web01}]\n")
    environment = _environment(folder, _install_program(folder / "bin", str(python)))
    shown = subprocess.run(
        [str(python), "-c", "from importlib.metadata import version as v; print(v('click'), v('rich'))"],
        env=environment,
        stdout=-1,
        text=True,
    )
    assert shown.stdout.split() == [f"{allowed['click']}.0", f"{allowed['rich']}.0.0"]
    return environment


@pytest.mark.slow
@pytest.mark.parametrize("line", LINES, ids=" ".join)
def test_the_oldest_click_completes_the_same(oldest: dict[str, str], line: tuple[str, ...]) -> None:
    assert set(_completions(oldest, "checkmk-sync", *line)) == LINES[line]


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["bash", "zsh", "fish", "autoloaded"])
def test_shells_complete_with_the_oldest_click(oldest: dict[str, str], kind: str) -> None:
    if kind == "fish":
        _ask_fish(oldest)
    elif kind == "autoloaded":
        _press_tab(oldest, "zsh", AUTOLOADED)
    else:
        _press_tab(oldest, kind, SOURCED[kind])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("line", "code", "output"),
    [
        ("--version", 0, "0.1.0"),
        ("--help", 0, "Exit codes"),
        ("hosts", 0, "Usage: "),
        ("version", 0, "2.4.0p18"),
        ("hosts list", 0, "host00000"),
        ("problems --json", 0, "["),
        ("services list --state critical", 0, ""),
        ("hosts create new01 --label env=prod", 0, "new01"),
        ("folders create /linux/web", 0, "/linux/web"),
        ("plan inventory-of-all.yaml", 0, "web01"),
        ("apply inventory-of-all.yaml --yes", 0, "Verified"),
        ("hosts delete web01 --yes", 0, ""),
        ("hosts list --nope", 2, "--nope"),
        ("nonsense", 2, "nonsense"),
    ],
)
def test_commands_work_with_the_oldest_click(
    oldest: dict[str, str], site_for_cli: Any, line: str, code: int, output: str
) -> None:
    known = {name: value for name, value in os.environ.items() if name.startswith("CHECKMK_")}
    environment = {**oldest, **known, "CHECKMK_SYNC_CONFIG": ""}
    with site_for_cli.client() as cmk:
        if "delete" in line:
            cmk.hosts.create("web01")
    done = subprocess.run(
        ["checkmk-sync", *line.split()], env=environment, cwd=oldest["HOME"], capture_output=True, text=True
    )
    assert done.returncode == code, done.stderr
    assert output in done.stdout + done.stderr
    assert "Traceback" not in done.stderr
