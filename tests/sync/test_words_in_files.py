"""The words for the life of an object in YAML, CSV and mapping files: mistakes, defaults, and round trips."""

from __future__ import annotations

from pathlib import Path

import pytest

from checkmk_sync.errors import InventoryError
from checkmk_sync.sync import diff, load, to_data
from tests.sync.mapped import Mapped
from tests.sync.test_plan import holding, lines


def _mistakes(text: str, tmp_path: Path, name: str = "a.yaml") -> list[str]:
    (tmp_path / name).write_text(text, "utf-8")
    with pytest.raises(InventoryError) as caught:
        load(tmp_path / name)
    return [str(problem).replace(f"{tmp_path}/", "") for problem in caught.value.problems]


def test_an_absent_folder_cannot_contain_objects_of_the_inventory(tmp_path: Path) -> None:
    text = "folders:\n- {path: /a, absent: true}\n- path: /a/c\nhosts:\n- name: h\n  folder: /a/b\n"
    assert _mistakes(text, tmp_path) == [
        "a.yaml:3:3: folder /a/c: the folder /a is absent in the inventory (a.yaml:2)",
        "a.yaml:6:3: host h: the folder /a is absent in the inventory (a.yaml:2)",
    ]


_NEEDED = "must be a list of properties, such as [folder, attributes.alias]"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("ignore: [alias]", "3:12: host a: ignore: unknown property 'alias'; use one of: attributes.alias"),
        ("ignore: [foldr]", "3:12: host a: ignore: unknown property 'foldr'; did you mean 'folder'?"),
        ("ignore: [folder, 1]", "3:20: host a: ignore: unknown property 1; use one of: folder, attributes"),
        ("ignore: folder", f"3:3: host a: ignore {_NEEDED}"),
        ("ignore:", f"3:3: host a: ignore {_NEEDED}"),
        ("ignor: [folder]", "3:3: host a: unknown key 'ignor'; did you mean 'ignore'?"),
        ("only_on_creation: []", "3:3: host a: unknown key 'only_on_creation'; did you mean 'only_at_creation'?"),
        ("ignore: [attributes.a.b]", "3:12: host a: ignore: 'a.b' is not the name of an attribute"),
        ("ignore: [attributes.]", "3:12: host a: ignore: unknown property 'attributes.'; did you mean 'attributes'?"),
        ("keep: maybe", "3:3: host a: keep must be true or false"),
        ("absent: maybe", "3:3: host a: absent must be true or false"),
        ("absent: true\n  keep: true", "4:3: host a: give keep or absent, not both"),
    ],
)
def test_mistakes_in_an_entry_have_a_position_and_a_hint(text: str, message: str, tmp_path: Path) -> None:
    (mistake,) = _mistakes(f"hosts:\n- name: a\n  {text}", tmp_path)
    assert mistake.startswith(f"a.yaml:{message}")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "folders: [{path: /a, ignore: [titel]}]",
            "folder /a: ignore: unknown property 'titel'; did you mean 'title'?",
        ),
        (
            "host_groups: [{name: a, ignore: [folder]}]",
            "host group a: ignore: unknown property 'folder'; use one of: a",
        ),
        ("defaults: [keep]", "'defaults' must be a mapping with the keys only_at_creation, ignore, keep"),
        ("defaults: {keeps: true}", "unknown key 'keeps' in 'defaults'; did you mean 'keep'?"),
        ("defaults: {absent: true}", "absent is for single objects; 'defaults' cannot contain it"),
        ("defaults: {ignore: [aliass]}", "ignore: unknown property 'aliass'; did you mean 'alias'?"),
        ("default: {keep: true}", "unknown section 'default'; did you mean 'defaults'?"),
    ],
)
def test_mistakes_in_sections_have_a_position_and_a_hint(text: str, message: str, tmp_path: Path) -> None:
    (mistake,) = _mistakes(f"{text}\nhosts: [{{name: a}}]", tmp_path)
    assert mistake.partition(": ")[2].startswith(message)
    assert mistake.startswith("a.yaml:1:")


def test_defaults_alone_are_not_an_inventory(tmp_path: Path) -> None:
    assert "the inventory is empty" in _mistakes("defaults: {keep: true}", tmp_path)[0]


def test_the_defaults_of_one_file_apply_to_all_files(tmp_path: Path) -> None:
    (tmp_path / "words.yaml").write_text("defaults: {ignore: [attributes.alias], keep: true}")
    (tmp_path / "hosts.csv").write_text("name,alias\na,x\n")
    desired = load([tmp_path / "words.yaml", tmp_path / "hosts.csv"])
    assert lines(diff(desired, holding())) == ["create host a"]
    assert diff(desired, holding()).changes[0].new_values == {("folder",): "/"}


def test_tables_have_columns_for_words(tmp_path: Path) -> None:
    table = tmp_path / "a.csv"
    table.write_text(
        "name,folder,alias,only_at_creation,ignore,keep,absent\na,/x,A,folder|attributes.alias,,yes,\nb,,,,,,true\n"
    )
    assert to_data(load(table)) == {
        "hosts": [
            {
                "name": "a",
                "folder": "/x",
                "attributes": {"alias": "A"},
                "only_at_creation": ["attributes.alias", "folder"],
                "keep": True,
            },
            {"name": "b", "absent": True},
        ]
    }
    assert _mistakes("name,ignore,keep\na,foldr,maybe\n", tmp_path, "b.csv") == [
        "b.csv:2: column 3 (keep): 'maybe' is not true or false",
        "b.csv:2: column 2 (ignore): host a: ignore: unknown property 'foldr'; did you mean 'folder'?",
    ]


def test_mapping_files_have_words(tmp_path: Path) -> None:
    mapped = Mapped(tmp_path)
    mapping = 'name: "{N}"\nfolder: "/{F}"\nonly_at_creation: [folder]\nkeep: "{K}"\n'
    desired = mapped(mapping, "N,F,K\na,x,true\nb,y,\n")
    assert to_data(desired)["hosts"] == [
        {"name": "a", "folder": "/x", "only_at_creation": ["folder"], "keep": True},
        {"name": "b", "folder": "/y", "only_at_creation": ["folder"]},
    ]
    assert mapped.mistakes(mapping.replace("[folder]", "[foldr]"), "N,F,K\na,x,true\n") == [
        "map.yaml:3:20: only_at_creation: unknown property 'foldr'; did you mean 'folder'?"
    ]
