"""No value, label or title can look like another line of a plan."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checkmk_sync.sync import diff, from_data, plan_as_markdown, plan_as_text
from tests.sync.test_plan import held, holding

FORGED = "x\n- host web01\r~ host web02\u2028! host web03\x1b[2K"


def _lines(text: str) -> list[str]:
    return [line for line in text.splitlines() if line[:2] in ("+ ", "~ ", "> ", "- ", "! ", "| ")]


@pytest.mark.parametrize(
    "named",
    [
        {"hosts": [{"name": "a", "attributes": {"alias": FORGED}}]},
        {"hosts": [{"name": "a", "attributes": {"custom": {"deep": [FORGED]}}}]},
        {"hosts": [{"name": "a", "labels": {"env": FORGED}}]},
        {"hosts": [{"name": "a", "labels": {FORGED: "prod"}}]},
        {"folders": [{"path": "/a", "title": FORGED}]},
    ],
)
def test_values_cannot_add_lines(named: Any) -> None:
    plan = diff(from_data(named), holding())
    assert len(_lines(plan_as_text(plan))) == 1
    table = plan_as_markdown(plan).rpartition("\n\n")[2]
    assert len(table.splitlines()) == 3, "the header and the change"
    assert "\\n- host web01" in plan_as_text(plan)
    assert "\x1b" not in plan_as_text(plan)


def test_values_of_the_site_cannot_add_lines() -> None:
    desired = from_data({"folders": [{"path": "/a", "title": "A"}], "hosts": [{"name": "a", "attributes": {"b": "c"}}]})
    there = holding(held("folder", "/a", title=FORGED), held("host", "a", attributes__b=FORGED))
    assert len(_lines(plan_as_text(diff(desired, there)))) == 2


def test_owners_cannot_add_lines() -> None:
    there = holding(held("host", "a", FORGED))
    assert len(_lines(plan_as_text(diff(from_data({"hosts": [{"name": "a"}]}), there)))) == 1


@given(st.text())
def test_every_change_is_one_line(alias: str) -> None:
    plan = diff(from_data({"hosts": [{"name": "a", "attributes": {"alias": alias}}]}), holding())
    assert len(plan_as_text(plan).splitlines()) == 3


def test_letters_of_all_languages_are_not_escaped() -> None:
    desired = from_data({"hosts": [{"name": "a", "attributes": {"alias": "Größe łódź 東京 C:\\x"}}]})
    assert "alias Größe łódź 東京 C:\\x," in plan_as_text(diff(desired, holding()))
