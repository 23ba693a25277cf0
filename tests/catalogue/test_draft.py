"""``tools/draft_noun.py`` drafts the rows of nouns from the official documents."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any, Optional

import pytest

from checkmk_sync.catalogue import noun as noun_module
from checkmk_sync.catalogue.field import Field
from checkmk_sync.catalogue.noun import Noun
from checkmk_sync.catalogue.nouns import NOUNS
from tests.catalogue.deviations import load_digest
from tests.conftest import ROOT, shared_folder

TOOL = ROOT / "tools/draft_noun.py"
# The facts of a field that the documents contain.
FACTS = (
    *("name", "type", "required", "wire", "at", "pattern", "choices", "secret", "since", "until", "editions"),
    *("assigned", "repeated"),
)
# Nouns with another name or key than Checkmk's, which only an author can choose.
OWN_NAMES = {"notification_rules", "roles", "rules", "rulesets", "tag_groups", "users"}


def _load(path: Path, name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec and spec.loader
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    finally:
        del sys.modules[name]
    return module


def _drafted(domain: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, specs: Optional[Path] = None) -> Noun:
    """Return the noun that the printed draft defines."""
    command = [sys.executable, str(TOOL), domain, *([str(specs)] if specs else [])]
    text = subprocess.run(command, capture_output=True, text=True, check=True, encoding="utf-8").stdout
    (tmp_path / "draft.py").write_text(text.replace("from ..noun", "from checkmk_sync.catalogue.noun"), "utf-8")
    monkeypatch.setattr(noun_module, "NOUNS", {})
    _load(tmp_path / "draft.py", "drafted_noun")
    (found,) = noun_module.NOUNS.values()
    return found


def _facts(field: Field) -> dict[str, Any]:
    return {fact: getattr(field, fact) for fact in FACTS}


def _assert_equal_facts(drafted: Noun, row: Noun) -> None:
    names = [field.name for field in row.fields]
    for field in drafted.fields:
        if field.name == "owner":  # the former name of editable_by, which the documents do not reveal
            assert {field.wire} == {form.wire for form in row.by_name["editable_by"].former}
        elif field.name == "editable_by":
            assert field.since == "2.3.0b1"
        else:
            assert _facts(field) == _facts(row.by_name[field.name])
            names.remove(field.name)
    assert names in ([], ["editable_by"])
    assert (drafted.name, drafted.domain, drafted.record.__name__) == (row.name, row.domain, row.record.__name__)
    compared = ("verb", "method", "path", "if_match", "since", "until", "expected")
    assert [[getattr(made, fact) for fact in compared] for made in drafted.operations] == [
        [getattr(made, fact) for fact in compared] for made in row.operations
    ]


@pytest.mark.parametrize("name", sorted(NOUNS.keys() - OWN_NAMES))
@pytest.mark.every_case
def test_a_draft_has_the_facts_of_the_finished_row(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    row = NOUNS[name]
    _assert_equal_facts(_drafted(row.domain, tmp_path, monkeypatch), row)


def test_a_draft_can_be_made_from_the_documents_themselves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    row = NOUNS["host_groups"]
    _assert_equal_facts(_drafted(row.domain, tmp_path, monkeypatch, shared_folder("specs")), row)


def test_all_domain_types_with_standard_operations_can_be_drafted(monkeypatch: pytest.MonkeyPatch) -> None:
    tool = _load(TOOL, "draft_noun")
    monkeypatch.setattr(noun_module, "NOUNS", {})
    drafted = []
    for url in load_digest():
        if found := re.fullmatch(r"POST /domain-types/(\w+)/collections/all", url):
            try:
                lines = list(tool.Draft(found[1], tool.load_digest(None)).lines())
            except SystemExit as error:
                assert "has no standard operations" in str(error)
            else:
                compile("\n".join(lines), found[1], "exec")
                drafted.append(found[1])
    assert {
        "rule",
        "user_role",
        "host_tag_group",
        "notification_rule",
        *(row.domain for row in NOUNS.values() if row.supports("create")),
    } <= {*drafted}


def test_a_domain_type_without_standard_operations_is_refused() -> None:
    done = subprocess.run([sys.executable, str(TOOL), "activation_run"], capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr.startswith("activation_run has no standard operations to create and read objects")
