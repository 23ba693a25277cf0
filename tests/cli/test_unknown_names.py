"""Errors about unknown names list the known ones, with a suggestion only for a similar name."""

from __future__ import annotations

import copy
import pickle
import re
import traceback
from typing import Any

import pytest

from checkmk_sync import Checkmk
from checkmk_sync.catalogue.nouns import NOUNS as PLAIN_NOUNS
from checkmk_sync.cli.app import cli
from tests.conftest import ROOT, Run

ABSENT = ["rename", "tags", "groups", "bi"]
OWN_CLASSES = [
    "acknowledgements",
    "activation",
    "comments",
    "discovery",
    "downtimes",
    "folders",
    "host_attributes",
    "host_status",
    "hosts",
    "jobs",
    "problems",
    "services",
]
NOUNS = sorted({*OWN_CLASSES, *PLAIN_NOUNS})  # hosts and folders can be rows as well


@pytest.mark.parametrize("name", ABSENT)
def test_an_unknown_attribute_of_the_client_lists_the_known_ones(cmk: Checkmk, name: str) -> None:
    with pytest.raises(AttributeError) as caught:
        getattr(cmk, name)
    assert f"Checkmk has no attribute '{name}'; the nouns are: {', '.join(NOUNS)} (see docs/reading.md" in str(
        caught.value
    )
    shown = "".join(traceback.format_exception(type(caught.value), caught.value, None))
    assert "did you mean" not in shown.lower()


@pytest.mark.parametrize(("slip", "meant"), [("host", "hosts"), ("service", "services"), ("versoin", "version")])
def test_a_misspelled_attribute_of_the_client_gets_a_suggestion(cmk: Checkmk, slip: str, meant: str) -> None:
    with pytest.raises(AttributeError, match=f"did you mean '{meant}'"):
        getattr(cmk, slip)


def test_the_page_lists_all_attributes_of_the_client(cmk: Checkmk) -> None:
    rows = re.findall(r"^\| (`\w+`(?:, `\w+`)*) \|", (ROOT / "docs" / "reading.md").read_text("utf-8"), re.MULTILINE)
    assert sorted(re.findall(r"\w+", " ".join(rows))) == NOUNS


def test_copying_and_pickling_a_client_still_work(cmk: Checkmk) -> None:
    """Copying, pickling and hasattr() look up names that may not exist."""
    assert not hasattr(cmk, "sites")
    assert getattr(cmk, "sites", None) is None
    assert not hasattr(cmk, "__deepcopy__")
    assert not hasattr(cmk, "_ipython_display_")
    assert copy.copy(cmk).hosts is cmk.hosts
    assert pickle.loads(pickle.dumps(cmk.settings)) == cmk.settings
    empty = Checkmk.__new__(Checkmk)
    for name in ("hosts", "_transport"):
        with pytest.raises(AttributeError, match="object has no attribute"):
            getattr(empty, name)


@pytest.mark.parametrize("name", ABSENT)
def test_an_unknown_command_lists_the_known_ones(sync: Run, name: str) -> None:
    for words in ([name], [name, "web01", "--all"]):
        refused = sync(*words)
        assert (refused.code, refused.out) == (2, "")
        assert refused.err.startswith(
            f"Error: unknown command '{name}'; the commands are: {', '.join(sorted(cli.commands))}"
        )
        assert "docs/cli.md" in refused.err
        assert "did you mean" not in refused.err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["host"], "unknown command 'host'; did you mean 'hosts'? The commands are: acknowledge,"),
        (["hosts", "paint", "a"], "unknown 'hosts' command 'paint'; the commands are: create, delete, diagnose, get,"),
        (["hosts", "creat", "a"], "unknown 'hosts' command 'creat'; did you mean 'create'? The commands are:"),
        (["folders", "activate"], "unknown 'folders' command 'activate'; the commands are: create,"),
        (
            ["services", "list", "--hsot", "x"],
            "unknown option --hsot; did you mean --sort or --host? For all options, run: ",
        ),
        (["services", "list", "--downtime"], "unknown option --downtime; for all options, run: "),
        (["hosts", "--folder", "/"], "unknown option --folder; for all options, run: "),
        (["hosts", "list", "-x"], "unknown option -x; for all options, run: "),
        (["--quite", "version"], "unknown option --quite; did you mean --quiet? For all options, run: "),
        (["apply", "x.csv", "--ye"], "unknown option --ye"),
    ],
    ids=" ".join,
)
def test_misspelled_commands_and_options_get_suggestions(sync: Run, words: list[str], message: str) -> None:
    refused = sync(*words)
    assert (refused.code, refused.out) == (2, "")
    assert refused.err.startswith(f"Error: {message}")
    assert refused.err.count("\n") == 1
    as_json: Any = sync("--json", *words).err
    assert f'"message": "{message}' in as_json
