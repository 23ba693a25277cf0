"""Secrets in inventories are applied, and shown nowhere: not in plans, reports, mistakes or reprs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from checkmk_sync import Checkmk
from checkmk_sync.errors import InventoryError
from checkmk_sync.sync import apply_plan, from_data, load, make_plan, plan_as_markdown, plan_as_text, report_as_text
from checkmk_sync.testing import SimulatedSite


def _inventory(secret: str) -> dict[str, Any]:
    attributes = {
        "alias": "shown",
        "snmp_community": {"type": "v1_v2_community", "community": secret},
        "management_snmp_community": {"type": "v1_v2_community", "community": secret},
        "management_ipmi_credentials": {"username": "u", "password": secret},
    }
    return {"hosts": [{"name": "a", "attributes": attributes}], "folders": [{"path": "/f", "attributes": {}}]}


def test_they_are_applied_and_never_shown(site: SimulatedSite, cmk: Checkmk) -> None:
    shown: list[str] = []
    for secret in ("hunter2", "hunter3"):
        desired = from_data(_inventory(secret))
        plan = make_plan(cmk, desired, owner="me")
        report = apply_plan(cmk, plan)
        assert report.ok
        assert site.world.setup.hosts["a"].attributes["snmp_community"]["community"] == secret
        shown += [plan_as_text(plan), plan_as_markdown(plan), json.dumps(plan.to_dict()), report_as_text(report)]
        shown += [json.dumps(report.to_dict()), repr(plan), repr(report), repr(desired)]
    assert not [text for text in shown if "hunter" in text]
    assert "+ host a: alias shown, management_ipmi_credentials ***, management_snmp_community ***" in shown[0]
    assert "~ host a: management_ipmi_credentials changes, management_snmp_community changes" in plan_as_text(plan)
    (change,) = plan.to_dict()["changes"]
    assert change["properties"]["attributes.snmp_community"] == ["***", "***"]


def test_removing_one_is_shown_as_such(cmk: Checkmk) -> None:
    apply_plan(cmk, make_plan(cmk, from_data(_inventory("hunter2")), owner="me"))
    gone = from_data({"hosts": [{"name": "a", "attributes": {"snmp_community": None}}]})
    assert "~ host a: snmp_community *** -> (not set)" in plan_as_text(make_plan(cmk, gone, owner="me"))


def test_a_plan_with_another_secret_is_another_plan(cmk: Checkmk) -> None:
    sums = {make_plan(cmk, from_data(_inventory(secret))).checksum for secret in ("hunter2", "hunter3", "hunter2")}
    assert len(sums) == 2


def test_mistakes_do_not_show_them(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("hosts:\n- name: a\n  attributes:\n    snmp_community: {x: hunter2, y: .nan}\n")
    (tmp_path / "b.csv").write_text("name,management_ipmi_credentials\na,{hunter2\n")
    for name in ("a.yaml", "b.csv"):
        with pytest.raises(InventoryError, match="(snmp_community|credentials)") as caught:
            load(tmp_path / name)
        assert "hunter2" not in str(caught.value)
