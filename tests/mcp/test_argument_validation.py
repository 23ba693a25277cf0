"""Arguments that a model must not send: invisible characters, masks instead of secrets, and owner labels."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Iterator

import pytest

pytest.importorskip("mcp", reason="needs the extra 'mcp' and Python 3.10")

from mcp import Client
from mcp_types import ElicitResult

from checkmk_sync.catalogue.labels import OWNER_LABEL
from checkmk_sync.core.text import escape_invisible
from checkmk_sync.mcp.untrusted import sanitize
from checkmk_sync.testing import SimulatedSite
from tests.mcp.in_process_client import error_text, result_data, run_client

SECRET = "hunter2-hunter2"
OWNED = {"labels": {OWNER_LABEL: "cmdb", "env": "prod"}}
IN_TEXT = json.dumps({OWNER_LABEL: "me"})


@pytest.fixture(scope="module")
def quiet() -> Iterator[SimulatedSite]:
    """A site that no test in this module may change."""
    with SimulatedSite(hosts=3, services=5) as site:
        with site.client() as cmk:
            cmk.hosts.create("theirs", "/", OWNED)
            cmk.folders.ensure("/theirs")
            cmk.folders.update("/theirs", update_attributes=OWNED)
        yield site


def _call(site: SimulatedSite, tool: str, /, *, options: Any = None, **arguments: Any) -> Any:
    async def script(client: Client) -> Any:
        return await client.call_tool(tool, arguments)

    def person(_message: str) -> ElicitResult:
        return ElicitResult(action="accept", content={"approve": True})

    return run_client(site, script, allow_writes=True, allow=(tool,), answer=person, **(options or {}))


def _writes(site: SimulatedSite) -> int:
    return sum(request.method != "GET" for request in site.requests)


@pytest.mark.parametrize(
    ("tool", "arguments", "why"),
    [
        ("hosts_create", {"label": {OWNER_LABEL: "me"}}, "names the owner of an object"),
        ("hosts_create", {"attribute": {"labels": {OWNER_LABEL: "me"}}}, "names the owner of an object"),
        ("hosts_create", {"attribute": {"labels": IN_TEXT}}, "names the owner of an object"),
        ("hosts_update", {"label": {OWNER_LABEL: "me"}}, "names the owner of an object"),
        ("hosts_update", {"remove_label": [OWNER_LABEL]}, "names the owner of an object"),
        ("hosts_update", {"remove": ["labels"]}, "the attribute labels cannot be"),
        ("hosts_update", {"attribute": {"labels": {"env": "test"}}}, "the attribute labels cannot be"),
        ("hosts_update", {"attribute": {"labels": "{}"}}, "the attribute labels cannot be"),
        ("folders_update", {"attribute": {"labels": IN_TEXT}}, "names the owner of an object"),
        ("folders_update", {"attribute": {"labels": {}}}, "the attribute labels cannot be"),
        ("batch_create_hosts", {"hosts": [{"host_name": "new", "attributes": OWNED}]}, "names the owner of an object"),
        ("batch_create_hosts", {"hosts": [{"host_name": "n", "attributes": {"labels": IN_TEXT}}]}, "names the owner"),
        ("sync_apply", {"inventory": {"hosts": [{"name": "new", "labels": {OWNER_LABEL: "me"}}]}}, "names the owner"),
        # Invalid labels.
        ("hosts_create", {"attribute": {"labels": "env"}}, "labels must be a mapping"),
        ("hosts_create", {"attribute": {"labels": ["env"]}, "label": {"a": "b"}}, "labels must be a mapping"),
        ("hosts_create", {"attribute": {"labels": {"env": 5}}}, "the label env must be a string"),
        ("hosts_create", {"label": {"env": {"a": "b"}}}, "the label env must be a string"),
        ("hosts_update", {"attribute": {"labels": "env"}, "label": {"a": "b"}}, "labels must be a mapping"),
        ("hosts_update", {"label": {"env": None}}, "the label env must be a string"),
        (
            "batch_create_hosts",
            {"hosts": [{"host_name": "n", "attributes": {"labels": 7}}]},
            "labels must be a mapping",
        ),
        # Masks instead of secrets, also in strings of JSON.
        ("hosts_create", {"attribute": {"snmp_community": '{"type": "v1", "community": "***"}'}}, "stands for a"),
        ("hosts_update", {"attribute": {"note": '[{"password": "***"}]'}}, "stands for a secret"),
        ("batch_create_hosts", {"hosts": [{"host_name": "n", "attributes": {"x": '{"y": "***"}'}}]}, "stands for a"),
        ("sync_apply", {"inventory": {"hosts": [{"name": "n", "attributes": {"x": '["***"]'}}]}}, "stands for a"),
        # Invisible characters.
        ("hosts_create", {"attribute": {"alias": "a\u200bb"}}, "U+200B"),
        ("hosts_create", {"attribute": {"alias": '["a\\u200bb"]', "note": '["a\\u200bb"]'}}, "U+200B"),
        ("hosts_create", {"attribute": {"al\nias": "x"}}, "U+000A"),
        ("hosts_create", {"label": {"en\u3164v": "x"}}, "U+3164"),
        ("hosts_create", {"attribute": {"alias": "a\u2800"}}, "U+2800"),
        ("hosts_create", {"attribute": {"alias": "a\ufe0f"}}, "U+FE0F"),
        ("hosts_create", {"attribute": {"alias": "☀\ufe0f\ufe0f"}}, "U+FE0F"),
        ("hosts_create", {"attribute": {"alias": "x\U000e0041"}}, "U+E0041"),
        ("hosts_create", {"attribute": {"alias": "x\ud800"}}, ""),
        ("folders_create", {"title": "a\u202eb"}, "U+202E"),
        ("sync_apply", {"inventory": {"hosts": [{"name": "n", "attributes": {"alias": "a\u00adb"}}]}}, "U+00AD"),
        ("sync_apply", {"inventory": {"hosts": [{"name": "n"}]}, "owner": "m\u200be"}, "U+200B"),
        # Nested too deeply.
        ("hosts_create", {"attribute": {"x": "[" * 50 + "]" * 50}}, "nested at most"),
        ("hosts_create", {"attribute": {"x": "[" * 100_000}}, "JSON"),
    ],
    ids=lambda value: ascii(value)[:70],
)
def test_forbidden_arguments_are_refused(quiet: SimulatedSite, tool: str, arguments: dict[str, Any], why: str) -> None:
    name = {"hosts": {"name": "theirs"}, "folders": {"path": "/theirs"}}.get(tool.partition("_")[0], {})
    before = _writes(quiet)
    text = error_text(_call(quiet, tool, **name, **arguments))
    assert why in text
    assert "Nothing was done" in text
    assert _writes(quiet) == before


def test_single_labels_leave_the_owner_label_unchanged() -> None:
    with SimulatedSite() as site, site.client() as cmk:
        cmk.hosts.create("theirs", "/", OWNED)
        result_data(
            _call(site, "hosts_update", name="theirs", label={"env": "test"}, attribute={"alias": "☀\ufe0f\n\tok"})
        )
        assert site.state.configuration.hosts["theirs"].attributes == {
            "alias": "☀\ufe0f\n\tok",
            "labels": {OWNER_LABEL: "cmdb", "env": "test"},
        }
        result_data(_call(site, "hosts_create", name="new", attribute={"labels": '{"env": "prod"}'}))
        assert site.state.configuration.hosts["new"].attributes == {"labels": {"env": "prod"}}


def test_secrets_in_json_strings_reach_the_site_but_no_log(tmp_path: Path) -> None:
    log = tmp_path / "audit.log"
    community = json.dumps({"type": "v1_v2_community", "community": SECRET})
    entry = {"host_name": "b", "attributes": {"snmp_community": community, "alias": json.dumps({"password": SECRET})}}
    with SimulatedSite() as site:
        answers = [
            _call(site, "hosts_create", name="a", attribute=entry["attributes"], options={"audit": log}),
            _call(site, "batch_create_hosts", hosts=[entry], options={"audit": log}),
        ]
        for name in "ab":
            assert site.state.configuration.hosts[name].attributes["snmp_community"]["community"] == SECRET
    assert SECRET not in log.read_text("utf-8")
    assert not [answer for answer in answers if SECRET in str(answer)]


def test_invisible_characters_are_escaped() -> None:
    hidden = "\u3164\u2800\u034f\u115f\u180b\ufe01\ufe0f\U000e0100\U000e0041\u200d\u00ad"
    for char in hidden:
        assert sanitize(f"a{char}b") == f"a{char.encode('unicode_escape').decode()}b"
        assert escape_invisible(char) != char
    for kept in ("☀\ufe0f", "☎\ufe0e 112", "größer 東京 \u00a0", "1 < 2"):
        assert sanitize(kept) == kept
    assert sanitize("☀\ufe0f\ufe0f") == "☀\ufe0f\\ufe0f"


def test_numbers_under_secret_names_are_hidden() -> None:
    arguments = {"password": 12345678, "token": 1.5, "has_password": True, "port": 161, "secret": None}
    assert sanitize(arguments) == {"password": "***", "token": "***", "has_password": True, "port": 161, "secret": None}
