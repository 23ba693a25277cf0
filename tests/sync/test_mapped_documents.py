"""Exports in JSON and YAML, such as responses of NetBox, are read through a mapping file."""

from __future__ import annotations

from pathlib import Path

import pytest

from checkmk_sync.sync import load
from tests.sync.mapped import EXPORTS, Mapped, properties


@pytest.fixture
def mapped(tmp_path: Path) -> Mapped:
    return Mapped(tmp_path)


@pytest.mark.parametrize("ending", ["json", "yaml"])
def test_nested_members_are_named_with_dots(tmp_path: Path, ending: str) -> None:
    export = tmp_path / f"netbox.{ending}"
    export.write_text((EXPORTS / "netbox.json").read_text("utf-8"), "utf-8")
    desired = load(export, mapping=EXPORTS / "netbox-map.yaml")
    assert properties(desired) == {
        "srv01": {
            "folder": "/muenchen-nord",
            "attributes.ipaddress": "192.0.2.11",
            "attributes.alias": "SRV01.example.com",
            "attributes.parents": ["web", "prod"],
            "labels.serial": "0.10",
            "labels.source": "netbox",
        },
        "srv02": {
            "folder": "/berlin",
            "attributes.alias": "srv02.example.com",
            "labels.serial": "12345678901234567890",
            "labels.source": "netbox",
        },
    }
    said = f"{export}: 1 of 3 rows left out by {EXPORTS}/netbox-map.yaml: status.value is 'decommissioning' (1)"
    assert desired.notes == (said,)


def test_values_in_documents_keep_their_spelling(mapped: Mapped) -> None:
    mapping = "name: '{h}'\nlabels: {a: '{a}', b: '{b}', c: '{c}', d: '{d}', e: '{e}'}\n"
    text = "- {h: web01, a: 0123, b: yes, c: 2024-01-01, d: 1.10, e: null}\n"
    expected = {"labels.a": "0123", "labels.b": "yes", "labels.c": "2024-01-01", "labels.d": "1.10"}
    assert mapped.hosts(mapping, text, "a.yaml") == {"web01": expected}
    text = '[{"h": "web01", "a": 1e3, "b": true, "c": false, "d": 1.10, "e": []}]'
    expected = {"labels.a": "1e3", "labels.b": "true", "labels.c": "false", "labels.d": "1.10"}
    assert mapped.hosts(mapping, text, "a.json") == {"web01": expected}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[{"h": {"a": 1, "b": 2}}]', "a.json:1:3: h is an object; name one of its members after a dot (a, b)"),
        ('[{"h": [{"a": 1}]}]', "a.json:1:3: h must be a list of strings, not of objects or lists"),
        ('[{"h": "a"}, 7]', "a.json:1: a row must be an object with a value for each column"),
        ('{"rows": [{"h": "a"}]}', "a.json: with "),
        ('{"rows": [{"h": "a"}]}', "'rows' must name the list; the keys of the document are: rows"),
        ("7", "a.json: with "),
    ],
)
def test_documents_without_rows_are_refused(mapped: Mapped, text: str, said: str) -> None:
    assert any(said in problem for problem in mapped.mistakes("name: '{h}'", text, "a.json"))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"results": 7}', "the list 'results'"),
        ('{"result": []}', "the list 'results', which "),
        ('[{"h": "a"}]', "the list 'results'"),
        ('{"results": [{"h": "a"}], "next": "http://x", "count": 2}', "one page of a response, with 1 of 2 rows"),
        ('{"results": [{"h": "a"}], "next": null, "count": 2}', "one page of a response, with 1 of 2 rows"),
        ('{"results": [{"h": "a"}], "next": "x"}', "one page of a response, with 1 row;"),
        ('{"results": [{"h": "a"}, {"h": "b"}], "next": "x"}', "one page of a response, with 2 rows;"),
    ],
)
def test_single_pages_of_a_response_are_refused(mapped: Mapped, text: str, said: str) -> None:
    assert said in mapped.mistakes("rows: results\nname: '{h}'", text, "a.json")[0]


def test_rows_may_be_nested_in_a_document(mapped: Mapped) -> None:
    text = '{"data": {"hosts": [{"h": "a"}], "next": null, "count": 1}, "hosts": []}'
    assert set(mapped.hosts("rows: data.hosts\nname: '{h}'", text, "a.json")) == {"a"}
    text = '{"data": {"hosts": [{"h": "a"}], "next": "x"}}'
    assert "one page" in mapped.mistakes("rows: data.hosts\nname: '{h}'", text, "a.json")[0]
