"""A plan warns about attributes that are not built into Checkmk. They may be custom, so they are not mistakes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from checkmk_sync.sync import diff, from_data, load
from tests.sync.test_plan import held, holding


def _warnings(attributes: Any, *found: Any) -> tuple[str, ...]:
    return diff(from_data({"hosts": [{"name": "a", "attributes": attributes}]}), holding(*found)).warnings


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("ipadress", "ipaddress"),
        ("ip_address", "ipaddress"),
        ("Alias", "alias"),
        ("parent", "parents"),
        ("label", "labels"),
    ],
)
def test_a_misspelled_attribute_causes_a_warning_with_a_suggestion(written: str, meant: str) -> None:
    (warning,) = _warnings({written: "x"})
    assert warning == f"the attribute {written!r} of host a is not built into Checkmk; did you mean {meant!r}?"


def test_an_unknown_attribute_causes_a_warning() -> None:
    (warning,) = _warnings({"fooo": "x"})
    assert warning == "the attribute 'fooo' of host a is not built into Checkmk; is it a custom attribute of this site?"


def test_values_that_the_site_already_uses_cause_no_warning() -> None:
    assert _warnings({"ipadress": "x"}, held("host", "b", attributes__ipadress="y")) == ()


def test_built_in_names_and_removals_cause_no_warning() -> None:
    attributes = {"relay": "x", "metrics_association": {"type": "x"}, "fooo": None, "tag_gone": None, "site": None}
    assert _warnings(attributes) == ()


@pytest.mark.parametrize(
    ("attributes", "what", "known"),
    [
        ({"site": "remote"}, "site 'remote'", {"attributes__site": "remote"}),
        (
            {"contactgroups": {"groups": ["all", "linux"]}},
            "contact group 'linux'",
            {"attributes__contactgroups": {"groups": ["linux"]}},
        ),
    ],
)
def test_an_unused_site_defined_value_causes_a_warning(attributes: Any, what: str, known: Any) -> None:
    """The user may not see all objects, so a value that no object uses is not a mistake."""
    (warning,) = _warnings(attributes)
    assert warning == f"the {what} of host a is not used by any object of the site; does it exist?"
    assert _warnings(attributes, held("host", "b", **known)) == ()


def test_a_network_scan_without_criticality_causes_a_warning() -> None:
    scan: Any = {"addresses": [], "time_allowed": []}
    (warning,) = _warnings({"network_scan": scan})
    assert "has no tag_criticality" in warning
    assert _warnings({"network_scan": {**scan, "tag_criticality": "offline"}}) == ()


def test_values_of_every_new_site_cause_no_warning() -> None:
    attributes = {"tag_criticality": "prod", "tag_networking": "dmz", "contactgroups": {"groups": ["all"]}}
    assert _warnings(attributes) == ()


def test_hosts_with_the_same_mistake_share_a_warning(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("name,ipadress\na,\nb,192.0.2.1\nc,192.0.2.2\n")
    (warning,) = diff(load(path), holding()).warnings
    assert warning.startswith(f"the attribute 'ipadress' of host b ({path}:3) and 1 more is not built into Checkmk")
