"""The guide to adding a noun matches the engine of nouns."""

from __future__ import annotations

import dataclasses
import inspect
import re
import sys
from types import ModuleType
from typing import Iterator

import pytest

from checkmk_sync.catalogue.field import Field
from checkmk_sync.catalogue.noun import Noun, attr, key, noun
from checkmk_sync.catalogue.nouns import NOUNS
from tests.conftest import ROOT

PAGE = (ROOT / "docs/adding-a-noun.md").read_text("utf-8")
COMPUTED = {"record", "fields", "operations", "by_name"}  # by noun()


def _facts() -> Iterator[str]:
    """Yield the arguments of noun(), attr() and key(), and the facts of nouns and fields."""
    for function in (noun, attr, key):
        for name, parameter in inspect.signature(function).parameters.items():
            if parameter.kind is not parameter.VAR_KEYWORD:
                yield name
    for field in (*dataclasses.fields(Noun), *dataclasses.fields(Field)):
        if field.name not in COMPUTED:
            yield field.name


def test_the_guide_names_every_fact_of_a_noun_and_its_fields() -> None:
    named = set(re.findall(r"`(\w+)(?:=\w+)?`", PAGE))
    given_by_python = {"name", "type", "description"}  # the attribute of the class, its annotation and its text
    assert sorted({*_facts()} - given_by_python - named) == []


def test_the_facts_in_the_tables_exist() -> None:
    listed = [name for row in re.findall(r"^\| (`.*?) \|", PAGE, re.MULTILINE) for name in re.findall(r"\w+", row)]
    assert sorted(listed) == sorted({*listed})
    assert sorted({*listed} - {*_facts()}) == []


def test_the_example_is_the_row_of_service_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    (text,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    module = ModuleType("checkmk_sync.catalogue.nouns.service_groups")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    known = NOUNS["service_groups"]
    monkeypatch.setitem(NOUNS, "service_groups", known)
    module.__package__ = "checkmk_sync.catalogue.nouns"
    exec(compile(text, "docs/adding-a-noun.md", "exec"), vars(module))
    example = NOUNS["service_groups"]
    assert example.record is not known.record
    assert example == dataclasses.replace(known, record=example.record)


def test_the_files_in_the_guide_exist() -> None:
    for path in re.findall(r"`([\w/]+/[\w-]+\.\w+)`", PAGE):
        assert (ROOT / path).exists() or (ROOT / "checkmk_sync" / path).exists(), path
