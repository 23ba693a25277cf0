"""A plan warns of attributes that Checkmk does not have: the site may, so it is no mistake."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from checkmk_sync.sync import diff, from_data, load
from tests.test_plan import held, holding


def _warnings(attributes: Any, *found: Any) -> tuple[str, ...]:
    return diff(from_data({"hosts": [{"name": "a", "attributes": attributes}]}), holding(*found)).warnings


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("ipadress", "ipaddress"),
        ("ip_address", "ipaddress"),
        ("Alias", "alias"),
        ("parent", "parents"),
        ("tag_criticalty", "tag_criticality"),
        ("label", "labels"),
    ],
)
def test_a_name_that_is_nearly_one_of_checkmks(written: str, meant: str) -> None:
    (warning,) = _warnings({written: "x"})
    assert warning == f"the attribute {written!r} of host a is none of Checkmk's own; did you mean {meant!r}?"


def test_a_name_like_none_has_to_be_the_sites_own() -> None:
    (warning,) = _warnings({"fooo": "x"})
    assert warning == "the attribute 'fooo' of host a is none of Checkmk's own; is it a custom one of this site?"


def test_what_the_site_holds_already_is_known() -> None:
    assert _warnings({"ipadress": "x"}, held("host", "b", attributes__ipadress="y")) == ()


def test_tag_groups_built_in_names_and_removals_are_not_doubted() -> None:
    assert _warnings({"tag_my_team": "x", "relay": "x", "metrics_association": "x", "fooo": None}) == ()


def test_one_warning_for_all_hosts(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("name,ipadress\na,\nb,192.0.2.1\nc,192.0.2.2\n")
    (warning,) = diff(load(path), holding()).warnings
    assert warning.startswith(f"the attribute 'ipadress' of host b ({path}:3) and 1 more is none of Checkmk's own")
