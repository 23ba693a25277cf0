"""Each row of a plain noun becomes five commands, whose arguments and results are its fields."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys

import pytest

from checkmk_sync.catalogue.noun import Noun
from checkmk_sync.catalogue.nouns import NOUNS
from checkmk_sync.commands import COMMANDS, Command, hosts
from checkmk_sync.commands.plain_nouns import RESERVED_OPTIONS, noun_commands, plain_noun_commands

VERBS = ("list", "get", "create", "update", "delete")
PLAIN = [noun for noun in NOUNS.values() if noun.supports("create")]


def _command(noun: Noun, verb: str) -> Command:
    return next(command for command in noun_commands(noun) if command.name == verb)


@pytest.mark.parametrize("noun", PLAIN, ids=lambda noun: noun.name)
def test_a_row_becomes_five_commands(noun: Noun) -> None:
    words = {command.words for command in COMMANDS}
    assert {f"{noun.name.replace('_', '-')} {verb}" for verb in VERBS} <= words
    assert [command.writes for command in noun_commands(noun)] == [False, False, True, True, True]
    assert [command.asks({}) for command in noun_commands(noun)] == [False, False, False, False, True]
    assert _command(noun, "delete").preview is not None


@pytest.mark.parametrize("noun", PLAIN, ids=lambda noun: noun.name)
def test_arguments_and_results_are_the_fields(noun: Noun) -> None:
    create = {argument.name: argument for argument in _command(noun, "create").arguments}
    sent = [field for field in noun.fields if not field.assigned]
    assert list(create) == [field.name for field in sent]
    for field in sent:
        assert create[field.name].required is (field.required or field is noun.key)
        assert create[field.name].is_positional is (field is noun.key)
    returned = [field.name for field in noun.fields if field.at and not field.secret]
    assert [field.name for field in _command(noun, "get").fields] == returned
    assert set(_command(noun, "list").columns) <= set(returned)
    assert _command(noun, "list").columns[0] == noun.key.name


@pytest.mark.parametrize("noun", PLAIN, ids=lambda noun: noun.name)
def test_examples_set_the_required_fields_to_their_examples(noun: Noun) -> None:
    words = shlex.split(_command(noun, "create").example)
    if not noun.key.assigned:
        assert words.pop(0) == noun.key.example
    given = dict(zip(words[::2], words[1::2]))
    arguments = {argument.name: argument for argument in _command(noun, "create").arguments}
    assert {arguments[field.name].option_name for field in noun.fields[1:] if field.required} == set(given)
    for field in (field for field in noun.fields[1:] if not field.assigned):
        text = given.get(arguments[field.name].option_name)
        if text is not None and not field.secret:
            read = field.decode if field.literal else json.loads
            assert (text if field.type is str else read(text)) == field.example


def test_a_secret_is_read_from_a_file_and_is_never_an_option() -> None:
    secrets = [
        (command, argument)
        for noun in PLAIN
        for command in noun_commands(noun)
        for argument in command.arguments
        if argument.name in noun.by_name and noun.by_name[argument.name].secret
    ]
    assert {"passwords create", "passwords update"} <= {command.words for command, _ in secrets}
    for command, argument in secrets:
        assert argument.kind == "secret"
        assert argument.option_name == f"--{argument.name}-file"
        assert argument.example is None
        assert not argument.required or command.faces == ("cli",)


def test_options_of_fields_do_not_hide_common_options() -> None:
    options = {argument.option_name for noun in PLAIN for c in noun_commands(noun) for argument in c.arguments}
    assert "--set-help" in options
    assert not {f"--{name}" for name in RESERVED_OPTIONS} & options


def test_a_hand_written_command_replaces_a_generated_one() -> None:
    written = Command("host-groups list", "List groups in another way.", lambda client: iter(()))
    words = [command.words for command in plain_noun_commands((*hosts.COMMANDS, written))]
    assert "host-groups list" not in words
    assert "host-groups get" in words
    assert len({command.words for command in COMMANDS}) == len(COMMANDS)


NEW_NOUN = """
from typing import Any, Optional
from checkmk_sync.catalogue.noun import CRUD, Record, attr, key, noun

@noun("teapots", "teapot", "teapot", CRUD, rank=10)
class Teapot(Record):
    name: str = key("ID of the teapot.", example="brown")
    title: str = attr("Title of the teapot.", at=("title",), example="Brown Betty")
    cups: Optional[int] = attr("Number of cups.", default=None, example=4)
    glazed: Optional[bool] = attr("Whether it is glazed.", default=None, example=True)
    lid_secret: Optional[str] = attr("Code of the lid.", default=None, at=(), secret=True, example="x")
    kind: Any = attr("Anything.", default=None, example=[1])

from checkmk_sync.cli.app import run
from checkmk_sync.testing import SimulatedSite
import os
with SimulatedSite() as site:
    os.environ.update(CHECKMK_SERVER_URL=site.url, CHECKMK_SITE=site.site, CHECKMK_USERNAME=site.username)
    os.environ.update(CHECKMK_PASSWORD=site.password)
    assert run(["teapots", "create", "brown", "--title", "Brown Betty", "--cups", "4", "--glazed", "true"]) == 0
    assert run(["teapots", "update", "brown", "--glazed", "no", "--kind", '{"a": [1]}']) == 0
    assert run(["teapots", "list", "-o", "jsonl", "--search", "BETTY"]) == 0
    assert run(["teapots", "delete", "brown", "--yes"]) == 0
    assert run(["teapots", "get", "brown"]) == 2
"""


@pytest.mark.slow
def test_a_new_row_is_enough_for_commands() -> None:
    done = subprocess.run([sys.executable, "-c", NEW_NOUN], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    row = next(line for line in done.stdout.splitlines() if line.startswith("{"))
    assert json.loads(row) == {"name": "brown", "title": "Brown Betty", "cups": 4, "glazed": False, "kind": {"a": [1]}}
