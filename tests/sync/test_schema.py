"""The JSON Schemas accept every inventory and mapping file that can be read, and refuse common mistakes."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from checkmk_sync import Checkmk
from checkmk_sync.catalogue.attributes import BUILT_IN
from checkmk_sync.errors import InventoryError, SettingsError
from checkmk_sync.sync import Desired, from_data, inventory_schema, load, load_map, mapping_schema, to_data
from checkmk_sync.sync.kinds import KINDS
from checkmk_sync.testing import SimulatedSite
from tests.conftest import ROOT, Run, use_site
from tests.sync import test_apply, test_scope
from tests.sync.random_inventory import random_inventory

jsonschema = pytest.importorskip("jsonschema")
BLOCK = re.compile(r"<!-- file: (\S+\.(?:yaml|json)) -->\n```\w+\n(.*?)```", re.DOTALL)
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
DATA = [*(ROOT / "tests" / "data").glob("*.yaml"), *(ROOT / "tests" / "data" / "exports").glob("*.yaml")]
EXAMPLES = {
    **{f"{page.stem}-{name}": (name, text) for page in PAGES for name, text in BLOCK.findall(page.read_text("utf-8"))},
    **{path.name: (path.name, path.read_text("utf-8")) for path in DATA},
}


@pytest.fixture(scope="module")
def inventories() -> Any:
    jsonschema.Draft202012Validator.check_schema(inventory_schema())
    return jsonschema.Draft202012Validator(inventory_schema())


@pytest.fixture(scope="module")
def mappings() -> Any:
    jsonschema.Draft202012Validator.check_schema(mapping_schema())
    return jsonschema.Draft202012Validator(mapping_schema())


def _is_inventory(path: Path) -> bool:
    try:
        desired: Desired = load(path)
    except (InventoryError, SettingsError):
        return False
    return not desired.refused


def _is_mapping(path: Path) -> bool:
    try:
        load_map(path)
    except (InventoryError, SettingsError):
        return False
    return True


@pytest.mark.parametrize("example", EXAMPLES)
def test_examples_are_valid_if_they_can_be_read(example: str, inventories: Any, mappings: Any, tmp_path: Path) -> None:
    name, text = EXAMPLES[example]
    path, data = tmp_path / name, yaml.safe_load(text)
    path.write_text(text, "utf-8")
    assert inventories.is_valid(data) is _is_inventory(path)
    assert mappings.is_valid(data) is _is_mapping(path)


def test_there_are_examples_of_both_formats(tmp_path: Path) -> None:
    paths = []
    for number, (name, text) in enumerate(EXAMPLES.values()):
        (tmp_path / str(number)).mkdir()
        paths.append(tmp_path / str(number) / name)
        paths[-1].write_text(text, "utf-8")
    assert sum(map(_is_inventory, paths)) >= 10
    assert sum(map(_is_mapping, paths)) >= 3


@pytest.mark.parametrize("seed", range(20))
def test_random_inventories_are_valid(seed: int, inventories: Any) -> None:
    inventory = random_inventory(seed)
    inventories.validate(inventory)
    inventories.validate(json.loads(json.dumps(to_data(from_data(inventory)))))


@pytest.mark.parametrize("inventory", [test_apply.INVENTORY, test_scope.INVENTORY])
def test_inventories_of_tests_are_valid(inventory: Any, inventories: Any) -> None:
    inventories.validate(inventory)


def _host(**keys: Any) -> Any:
    return {"hosts": [{"name": "a", **keys}]}


def _attribute(name: str, value: Any) -> Any:
    return _host(attributes={name: value})


COMMUNITY = {"type": "v1_v2_community", "community": "x", "port": 1}
VALID = [
    _attribute("snmp_community", None),
    _attribute("snmp_community", {"community": "x"}),
    _attribute("network_scan", {"scan_interval": 3600}),
    _attribute("tag_custom", "x"),
    _attribute("custom", {"any": ["value"]}),
    _attribute("labels", {"env": "prod", "old": None}),
    _host(only_at_creation=["folder", "attributes.alias", "attributes.custom", "labels.a.b", "labels"], keep=False),
    _host(owner="cmdb", effective_attributes={"x": 1}, absent=True),
    {"folders": [{"path": "/a", "ignore": ["nodes", "title"], "keep": True}]},
    {"rules": [{"name": "r", "ruleset": "x", "folder": "/", "value_raw": "None", "ignore": ["value_raw"]}]},
    {"hosts": [{"name": "a"}], "folders": None, "defaults": {"keep": True, "ignore": ["alias", "title"]}},
    {"hosts": [{"name": "a"}], "secrets": "always"},
    [{"name": "a"}, {"path": "/a"}],
    {"path": "/a", "title": "A"},
]
INVALID = [
    "text",
    {"host": [{"name": "a"}]},
    {"hosts": {"name": "a"}},
    {"hosts": ["a"]},
    {"hosts": [{"folder": "/a"}]},
    {"hosts": [{"name": "a", "foldr": "/a"}]},
    {"hosts": [{"name": "a b"}]},
    {"hosts": [{"name": 1}]},
    {"folders": [{"path": "/"}]},
    {"folders": [{"path": "/a", "title": ""}]},
    {"folders": [{"path": "/a", "attributes": {"ipaddress": "192.0.2.1"}}]},
    {"folders": [{"path": "/a", "attributes": {"additional_ipv4addresses": ["192.0.2.1"]}}]},
    {"name": "a", "title": "A"},
    {"hosts": [{"name": "a"}], "secrets": "never"},
    {"hosts": [{"name": "a"}], "defaults": {"absent": True}},
    {"hosts": [{"name": "a"}], "defaults": {"ignore": ["titel"]}},
    _host(folder=None),
    _host(nodes=[]),
    _host(nodes=["b", "b"]),
    _host(labels={"a:b": "c"}),
    _host(labels={"a": 1}),
    _host(labels={"checkmk_sync/owner": "me"}),
    _host(absent="yes"),
    _host(absent=True, keep=True),
    _host(ignore="folder"),
    _host(ignore=["alias"]),
    _host(only_at_creation=["foldr"]),
    _attribute("meta_data", {}),
    _attribute("a b", "c"),
    _attribute("alias", 7),
    _attribute("ipaddress", "192.0.2.1/24"),
    _attribute("parents", "gw01"),
    _attribute("inventory_failed", "yes"),
    _attribute("tag_agent", "cmk-agnet"),
    _attribute("tag_custom", True),
    _attribute("snmp_community", "public"),
    _attribute("snmp_community", COMMUNITY),
    _attribute("snmp_community", {"type": "v1"}),
    _attribute("network_scan", {"scan_interval": 60}),
    _attribute("network_scan", {"time_allowed": [{"start": "8:00", "end": "17:00"}]}),
    _attribute("network_scan", {"addresses": [{"addresses": ["192.0.2.1"]}]}),
    {"host_groups": [{"name": "a", "alias": 1}]},
    {"host_groups": [{"name": "a", "folder": "/"}]},
    {"time_periods": [{"name": "a", "active_time_ranges": "always"}]},
    {"passwords": [{"name": "a", "shared": "all"}]},
    {"rules": [{"name": "r", "value_raw": {}}]},
]


@pytest.mark.parametrize("data", VALID, ids=str)
def test_valid_inventories_are_accepted_by_both(data: Any, inventories: Any, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(json.dumps(data))
    assert _is_inventory(tmp_path / "a.json")
    inventories.validate(data)


@pytest.mark.parametrize("data", INVALID, ids=str)
def test_mistakes_are_refused_by_both(data: Any, inventories: Any, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(json.dumps(data))
    assert not _is_inventory(tmp_path / "a.json")
    assert not inventories.is_valid(data)


@pytest.mark.parametrize(
    ("text", "is_valid"),
    [
        ('name: "{A}"', True),
        ('name: "{A}"\nkeep: "{B}"\nignore: [labels.env]\nfiles: "*.csv"\nskip: {S: [a, b], T: ""}', True),
        ('kind: host group\nname: "{A}"\nalias: "{B}"', True),
        ('kind: rule\nname: "{A}"\nvalue: [1]\nruleset: x\nfolder: /', True),
        ('name: "{A}"\nalias: "{B}"', False),
        ('kind: host group\nname: "{A}"\nfolder: "/{B}"', False),
        ('kind: hosts\nname: "{A}"', False),
        ("folder: /a", False),
        ('name: "{A}"\nattributes: [alias]', False),
        ('name: "{A}"\nignore: [alias]', False),
        ('name: "{A}"\nskip: [a]', False),
        ('name: "{A}"\ntables: {t: {}}', False),
        ('name: "{A}"\nrows: 7', False),
    ],
)
def test_mapping_files_are_accepted_or_refused_by_both(
    text: str, is_valid: bool, mappings: Any, tmp_path: Path
) -> None:
    (tmp_path / "map.yaml").write_text(text)
    assert _is_mapping(tmp_path / "map.yaml") is is_valid
    assert mappings.is_valid(yaml.safe_load(text)) is is_valid


def test_every_kind_key_and_attribute_is_in_the_schema() -> None:
    entries = inventory_schema()["$defs"]
    assert entries.keys() - {"host_or_folder"} == {kind.section for kind in KINDS.values()}
    for kind in KINDS.values():
        assert {*kind.keys} <= entries[kind.section]["properties"].keys()
    assert {*BUILT_IN} <= entries["hosts"]["properties"]["attributes"]["properties"].keys()


_NAMES = st.sampled_from([*sorted(BUILT_IN), "custom", "tag_x"])
_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.sampled_from(["", "x", "192.0.2.1", "cmk-agent", "a b"]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["type", "groups", "x"]), inner),
    max_leaves=4,
)


@given(
    st.dictionaries(_NAMES, _VALUES, max_size=3), st.sampled_from([("hosts", "name", "a"), ("folders", "path", "/a")])
)
def test_the_schema_accepts_what_can_be_read(attributes: Any, entry: Any) -> None:
    """An editor must not mark what is right."""
    section, key, name = entry
    data = {section: [{key: name, "attributes": attributes}]}
    try:
        is_read = not from_data(data).refused
    except InventoryError:
        is_read = False
    if is_read:
        jsonschema.Draft202012Validator(_SCHEMA).validate(data)


_SCHEMA = inventory_schema()


def test_the_schema_of_a_site_knows_its_tags_and_attributes(
    site: SimulatedSite, cmk: Checkmk, sync: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_site(monkeypatch, site)
    cmk.tag_groups.create("rack", title="Rack", tags=[{"id": "r1", "title": "Rack 1"}, {"id": None, "title": "None"}])
    assert (
        "the custom attributes are unknown, because the site has no hosts" in sync("inventory", "schema", "--site").err
    )
    cmk.hosts.create("a", "/")
    assert "the custom attributes are unknown" not in sync("inventory", "schema", "--site").err
    validator = jsonschema.Draft202012Validator(json.loads(sync("inventory", "schema", "--site").out))
    for name, value in (
        ("tag_rack", "r1"),
        ("tag_rack", None),
        ("tag_agent", "cmk-agent"),
        ("tag_criticality", "prod"),
    ):
        validator.validate(_attribute(name, value))
    for name, value in (("tag_rack", "r2"), ("tag_rakc", "r1"), ("tag_criticality", "x"), ("custom", "x")):
        assert not validator.is_valid(_attribute(name, value)), name


def test_the_command_prints_both_schemas(sync: Run) -> None:
    assert json.loads(sync("inventory", "schema").out) == json.loads(json.dumps(inventory_schema()))
    assert json.loads(sync("inventory", "schema", "--mapping").out) == json.loads(json.dumps(mapping_schema()))
    assert "give --mapping or --site, not both" in sync("inventory", "schema", "--mapping", "--site").err
