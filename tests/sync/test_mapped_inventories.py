"""Exports of a CMDB or of NetBox are read through a mapping file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checkmk_sync.errors import InventoryError
from checkmk_sync.sync import diff, load, load_map, plan_as_text
from checkmk_sync.sync.desired import REMOVE
from checkmk_sync.sync.sources import InventoryText, from_text
from tests.sync.mapped import EXPORTS, Mapped, properties
from tests.sync.test_plan import holding

CMDB = """\
kind: host
name: "{Hostname|lower}"
folder: "/{Standort|lower|ascii|path}"
attributes:
  ipaddress: "{IP-Adresse}"
  alias: "{Hostname} in {Standort}"
  tag_criticality: prod
labels:
  owner: "{Owner}"
  source: cmdb
"""


@pytest.fixture
def mapped(tmp_path: Path) -> Mapped:
    return Mapped(tmp_path)


def test_columns_constants_and_templates_become_properties(tmp_path: Path) -> None:
    (tmp_path / "map.yaml").write_text(CMDB)
    export = EXPORTS / "cmdb-windows-1252.csv"
    assert properties(load(export, mapping=tmp_path / "map.yaml", encoding="windows-1252")) == {
        name: {
            "folder": folder,
            "attributes.ipaddress": address,
            "attributes.alias": alias,
            "attributes.tag_criticality": "prod",
            "labels.owner": owner,
            "labels.source": "cmdb",
        }
        for name, folder, address, alias, owner in (
            ("srv01", "/berlin", "192.0.2.11", "srv01 in Berlin", "Team A"),
            ("srv02", "/muenchen", "192.0.2.12", "srv02 in München", "Team B"),
        )
    }


def test_rows_that_are_left_out_are_shown_with_the_plan(mapped: Mapped) -> None:
    mapping = "name: '{Host}'\nskip:\n  Status: [retired, planned]\n  Host: ''\n"
    rows = "Host,Status\nweb01,active\nweb02,retired\n,active\nweb03,retired\nweb04,Retired\n,retired\n"
    desired = mapped(mapping, rows)
    assert set(properties(desired)) == {"web01", "web04"}
    (note,) = desired.notes
    assert "4 of 6 rows left out" in note
    assert note.endswith("map.yaml: Status is 'retired' (3), Host is empty (1)")
    plan = diff(desired, holding())
    assert plan.warnings == (note,)
    assert f"Warning: {note}" in plan_as_text(plan)


def test_an_inventory_whose_rows_are_all_left_out_is_empty(mapped: Mapped) -> None:
    (problem,) = mapped.mistakes("name: '{Host}'\nskip: {Status: retired}\n", "Host,Status\na,retired\nb,retired\n")
    assert problem.startswith("a.csv: the inventory is empty: ")
    assert problem.endswith("leaves out all 2 rows")
    (problem,) = mapped.mistakes("name: '{Host}'\nskip: {Status: x}\n", '[{"Host": "a", "Status": "x"}]', "a.json")
    assert problem.endswith("leaves out all 1 row")
    for text, name in (("Host\n", "a.csv"), ("[]", "a.json"), ("", "a.yaml")):
        assert "the inventory is empty" in mapped.mistakes("name: '{Host}'", text, name)[0] or name == "a.yaml"


def test_empty_cells_are_ignored(mapped: Mapped) -> None:
    mapping = "name: '{H}'\nfolder: '/dc/{F}'\nattributes: {alias: 'in {F}', ipaddress: '{I}'}\nlabels: {o: '{O}'}\n"
    assert mapped.hosts(mapping, "H,F,I,O\nweb01\nweb02,,,\n\nweb03,x,192.0.2.1,-\n") == {
        "web01": {},
        "web02": {},
        "web03": {
            "folder": "/dc/x",
            "attributes.alias": "in x",
            "attributes.ipaddress": "192.0.2.1",
            "labels.o": REMOVE,
        },
    }


def test_partly_empty_templates_need_a_default(mapped: Mapped) -> None:
    rows = "H,F,G\nweb01,a,b\nweb02,a,\nweb03,,b\nweb04,,\n"
    told = mapped.mistakes("name: '{H}'\nfolder: '/{F}/{G}'\n", rows)
    assert [problem.split(": the value")[0] for problem in told] == [
        "a.csv:3: column 3 (G): folder",
        "a.csv:4: column 2 (F): folder",
    ]
    hosts = mapped.hosts("name: '{H}'\nfolder: '/{F|default:none}/{G|default:\"\"}'\n", rows)
    assert [host["folder"] for host in hosts.values()] == ["/a/b", "/a", "/none/b", "/none"]


def test_values_are_converted_like_cells(mapped: Mapped) -> None:
    mapping = """\
name: "{H}"
attributes:
  parents: "{P|replace:\\",\\":\\"|\\"}"
  contactgroups: "{C}"
  inventory_failed: "{F}"
  snmp_community: "{S}"
  locked_by: '{{"site_id": "x"}}'
  additional_ipv4addresses: 192.0.2.1|192.0.2.2
  tag_agent: null
  site: "-"
  custom: {list: ["{P}", 5], text: "{{{C}}}", none: null}
  management_snmp_community: {type: v3_no_auth, user: "{U}"}
labels: {gone: null, away: "-"}
"""
    assert mapped.hosts(mapping, 'H,P,C,F,S,U\nweb01,"gw1, gw2",all|it,yes,public,\n') == {
        "web01": {
            "attributes.parents": ["gw1", "gw2"],
            "attributes.contactgroups": {"groups": ["all", "it"]},
            "attributes.inventory_failed": True,
            "attributes.snmp_community": {"type": "v1_v2_community", "community": "public"},
            "attributes.locked_by": {"site_id": "x"},
            "attributes.additional_ipv4addresses": ["192.0.2.1", "192.0.2.2"],
            "attributes.tag_agent": REMOVE,
            "attributes.site": REMOVE,
            "attributes.custom": {"list": ["gw1, gw2", 5], "text": "{all|it}", "none": None},
            "labels.gone": REMOVE,
            "labels.away": REMOVE,
        }
    }


def test_all_parts_of_an_attribute_or_none_must_be_given(mapped: Mapped) -> None:
    mapping = "name: '{H}'\nattributes: {x: {user: '{U}', key: '{K}', type: v3}}\n"
    assert mapped.hosts(mapping, "H,U,K\na,u,k\nb,,\n") == {
        "a": {"attributes.x": {"user": "u", "key": "k", "type": "v3"}},
        "b": {},
    }
    (problem,) = mapped.mistakes(mapping, "H,U,K\na,u,\n")
    assert problem == "a.csv:2: column 3 (K): x: the value is missing, but other parts of the attribute have a value"


@pytest.mark.parametrize("site", ["a/b", "a\\b", "~a", "/a/", "a/../b"])
def test_values_cannot_add_folders_unless_marked_as_paths(mapped: Mapped, site: str) -> None:
    rows = f"H,S\nweb01,{site}\n"
    (problem,) = mapped.mistakes("name: '{H}'\nfolder: '/dc/{S}'\n", rows)
    assert problem.startswith(f"a.csv:2: column 2 (S): folder: {site!r} would add a folder")
    if ".." in site:
        assert "would lead to another folder" in mapped.mistakes("name: '{H}'\nfolder: '/dc/{S|path}'\n", rows)[0]
    else:
        below = site.replace("\\", "/").replace("~", "/").strip("/")
        found = mapped.hosts("name: '{H}'\nfolder: '/dc/{S|path}'\n", rows)["web01"]["folder"]
        assert found == f"/dc/{below}".rstrip("/")


@pytest.mark.parametrize("site", ["..", ".", "..."])
@pytest.mark.parametrize("folder", ["/{S}", "{S}", "/dc/{S}/x", "/dc/{S|path}", "/dc/{S}{S}"])
def test_no_value_leads_to_another_folder(mapped: Mapped, site: str, folder: str) -> None:
    (problem,) = mapped.mistakes(f"name: '{{H}}'\nfolder: '{folder}'\n", f"H,S\nweb01,{site}\n")
    assert problem.startswith("a.csv:2: column 2 (S): ")
    assert "dots" in problem


def test_mistakes_in_mapped_rows_have_their_location(mapped: Mapped) -> None:
    mapping = "name: '{Host}'\nfolder: '/{Site}'\nattributes: {inventory_failed: '{Flag}'}\nlabels: {o: '{Owner}'}\n"
    rows = "Owner,Host,Site,Flag\na:b,web 01,x y!,maybe\n-,-,-,-\nc,web02,x,\n"
    told = mapped.mistakes(mapping, rows)
    assert "a.csv:2: column 4 (Flag): inventory_failed: 'maybe' is not true or false" in told
    for start in ("2 (Host): host web 01: 'web 01' is not a host name", "3 (Site): "):
        assert any(problem.startswith(f"a.csv:2: column {start}") for problem in told)
    assert "a.csv:3: column 2 (Host): a host needs the key 'name'" in told
    objects = json.dumps([dict(zip(("Owner", "Host", "Site", "Flag"), ("a:b", "web 01", "x y!", "maybe")))], indent=1)
    assert [problem.split(": ")[0] for problem in sorted(mapped.mistakes(mapping, objects, "a.json"))] == [
        *("a.json:4:3", "a.json:5:3", "a.json:6:3"),
    ]


def test_each_unknown_column_is_reported_once_with_a_suggestion(mapped: Mapped) -> None:
    mapping = "name: '{Hostnam}'\nfolder: \"/a/{Standrt|lower}\"\nattributes: {alias: '{Hostnam}'}\nskip: {Staus: x}\n"
    wanted = [
        "map.yaml:1:8: a.{} has no column 'Hostnam'; did you mean 'Hostname'?",
        "map.yaml:2:13: a.{} has no column 'Standrt'; did you mean 'Standort'?",
        "map.yaml:4:8: a.{} has no column 'Staus'; did you mean 'Status'?",
    ]
    rows = [{"Hostname": "a", "Standort": "b", "Status": "c"}] * 3
    for ending, text in (
        ("csv", "Hostname,Standort,Status\na,b,c\nd,e,f\n"),
        ("json", json.dumps(rows)),
        ("yaml", json.dumps(rows)),
    ):
        assert mapped.mistakes(mapping, text, f"a.{ending}") == [said.format(ending) for said in wanted]
    nested = json.dumps([{"site": {"name": "x"}, "id": 1}])
    (problem,) = mapped.mistakes("name: '{site.nme}'", nested, "a.json")
    assert problem.endswith("a.json has no column 'site.nme'; did you mean 'site.name'?")


def test_double_braces_around_a_column_are_a_mistake(mapped: Mapped) -> None:
    (problem,) = mapped.mistakes("name: '{H}'\nattributes: {alias: '{{ H }}'}\n", "H\nweb01\n")
    assert problem == ("map.yaml:2:25: double braces mean literal braces; to insert the value of the column, write {H}")
    found = mapped.hosts("name: '{H}'\nattributes: {alias: '{{x}}'}\n", "H\nweb01\n")
    assert found == {"web01": {"attributes.alias": "{x}"}}


def test_unused_columns_are_ignored(mapped: Mapped) -> None:
    assert mapped.hosts("name: '{H}'", "H,x,,x,name,labels\nweb01,\x01,,b:c,,\n") == {"web01": {}}
    assert mapped.hosts("name: '{H}'", '[{"H": "web01", "x": {"y": [{}]}, "z": [[1]]}]', "a.json") == {"web01": {}}
    (problem,) = mapped.mistakes("name: '{H}'", "H,x,H\nweb01,,web02\n")
    assert problem == "a.csv:1: column 1 (H): the column 'H' occurs twice"
    (problem,) = mapped.mistakes("name: '{H}'", "H,,x\nweb01,oops,\n")
    assert problem.startswith("a.csv:2: column 2: this column has no heading")


def test_headings_with_line_breaks_become_one_line(mapped: Mapped) -> None:
    assert mapped.hosts("name: '{Host name}'", '"Host\n  name";b\nweb01;x\n') == {"web01": {}}


def test_a_mapping_applies_only_to_the_files_it_names(tmp_path: Path) -> None:
    (tmp_path / "map.yaml").write_text("files: ['cmdb*.csv', '-']\nname: '{H}'\n")
    (tmp_path / "cmdb-1.csv").write_text("H\nweb01\n")
    (tmp_path / "plain.yaml").write_text("folders: [{path: /a}]\nhosts: [{name: web02}]\n")
    (tmp_path / "other.csv").write_text("name\nweb03\n")
    files = [tmp_path / name for name in ("cmdb-1.csv", "plain.yaml", "other.csv")]
    assert set(properties(load(files, mapping=tmp_path / "map.yaml"))) == {"web01", "web02", "/a", "web03"}
    with pytest.raises(InventoryError, match=r"the mapping file is for cmdb\*.csv, -, but no inventory file matches"):
        load(files[1:], mapping=tmp_path / "map.yaml")


def test_folders_can_be_mapped(mapped: Mapped) -> None:
    mapping = "kind: folder\npath: '/{Code|lower}'\ntitle: '{Name}'\nattributes: {site: '{Poller}'}\nlabels: {c: x}\n"
    assert mapped.hosts(mapping, "Code,Name,Poller\nMUC,München,muc1\n") == {
        "/muc": {"title": "München", "attributes.site": "muc1", "labels.c": "x"}
    }


@pytest.mark.parametrize("text", ["H;IP\nweb01;x\n", "sep=;\nH;IP\nweb01;x\n", '[{"H": "web01"}]', "- H: web01\n"])
def test_the_format_of_files_without_extension_is_guessed(text: str, tmp_path: Path) -> None:
    (tmp_path / "map.yaml").write_text("name: '{H}'\n")
    found = from_text(InventoryText("export", text), mapping=load_map(tmp_path / "map.yaml"))
    assert set(properties(found)) == {"web01"}


CELLS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)


@given(CELLS, CELLS)
def test_any_cell_gives_a_value_or_a_reported_mistake(
    tmp_path_factory: pytest.TempPathFactory, one: str, two: str
) -> None:
    folder = tmp_path_factory.mktemp("map")
    (folder / "map.yaml").write_text("name: 'h{N}'\nfolder: '/{A|slug}/{B}'\nlabels: {x: '{A}{B}'}\n")
    text = json.dumps([{"N": "1", "A": one, "B": two}])
    try:
        found = from_text(InventoryText("a.json", text), mapping=load_map(folder / "map.yaml"))
    except InventoryError as error:
        assert all(problem.line == 1 and problem.column for problem in error.problems)
        return
    assert found.objects["host", "h1"].properties.get(("folder",), "/a/b").count("/") == 2


def test_a_stray_quote_in_an_unused_column_hides_no_rows(mapped: Mapped) -> None:
    rows = 'Hostname;Bemerkung;IP\nw1;"Server 1;1.1.1.1\nw2;foo;1.1.1.2\nw3;bar";1.1.1.3\nw4;ok;1.1.1.4\n'
    (problem,) = mapped.mistakes("name: '{Hostname}'\nattributes: {ipaddress: '{IP}'}\n", rows)
    assert problem.startswith("a.csv:2: a quote joins lines 2 to 4 into one row")


def test_a_dash_between_empty_fields_is_an_ordinary_string(mapped: Mapped) -> None:
    mapping = "name: '{H}'\nlabels: {both: '{A|default:\"\"}-{B|default:\"\"}', one: '{A}'}\n"
    assert mapped.hosts(mapping, "H,A,B\nweb01,,\n")["web01"] == {"labels.both": "-"}
    assert mapped.hosts(mapping, "H,A,B\nweb01,-,x\n")["web01"] == {"labels.both": "--x", "labels.one": REMOVE}
