"""Two independent limits refuse a plan that changes or deletes too much without permission."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Optional

import pytest

from checkmk_sync import Checkmk
from checkmk_sync.errors import PlanChangedError, SettingsError, UnsafePlanError
from checkmk_sync.sync import Plan, diff, from_data, make_plan, plan_as_text
from checkmk_sync.testing import SimulatedSite
from tests.conftest import Run
from tests.sync.test_plan import fleet, held, holding


def shrinking(owned: int, kept: int, changed: int = 0) -> Plan:
    """Return a plan that keeps some of the owned hosts and changes some of these."""
    hosts = [held("host", f"h{n:03d}", "me", attributes__alias="old" if n < changed else "new") for n in range(owned)]
    wanted = [{"name": f"h{n:03d}", "attributes": {"alias": "new"}} for n in range(kept)]
    return diff(from_data({"hosts": wanted}), holding(*hosts), owner="me")


def _why(plan: Plan, **permissions: Any) -> str:
    try:
        plan.raise_if_unsafe(**permissions)
    except UnsafePlanError as error:
        return str(error)
    return ""


@pytest.mark.parametrize(
    ("owned", "changed", "brakes"), [(9, 9, False), (10, 3, False), (10, 4, True), (100, 30, False), (100, 31, True)]
)
def test_large_changes_are_stopped(owned: int, changed: int, brakes: bool) -> None:
    plan = fleet(owned, changed)
    assert plan.owned == plan.existing == owned
    if not brakes:
        plan.raise_if_unsafe()
        return
    said = (
        f"changes {changed} of {owned} existing objects and deletes nothing: at most 30 % of {owned} existing objects"
    )
    assert said in _why(plan)
    assert f"--allow-changes {changed} (allow_changes={changed} in Python)" in _why(plan)
    assert _why(plan, allow_changes=changed - 1)
    assert not _why(plan, allow_changes=changed)


@pytest.mark.parametrize(
    ("owned", "kept", "brakes"),
    [(1, 0, False), (2, 0, True), (9, 8, False), (9, 7, True), (9, 1, True), (29, 27, False), (29, 26, True)],
)
def test_deletions_are_limited_even_with_few_objects(owned: int, kept: int, brakes: bool) -> None:
    hosts = [held("host", f"h{n:03d}", "me") for n in range(owned)]
    wanted = [{"name": "other"}, *({"name": f"h{n:03d}"} for n in range(kept))]
    plan = diff(from_data({"hosts": wanted}), holding(*hosts), owner="me")
    assert bool(_why(plan)) is brakes
    if brakes:
        most = max(1, owned // 10)
        assert f"at most {most} of your {owned} hosts may be deleted (10 %)" in _why(plan)
        assert f"--allow-deletions {owned - kept} " in _why(plan)


def test_neither_limit_permits_what_the_other_forbids() -> None:
    """A permission for changes must not allow an incomplete export to delete hosts."""
    plan = shrinking(40, 3, changed=3)
    assert "changes 3 of 40 existing objects and deletes 37 of 40 hosts" in _why(plan)
    for permission in (40, "40", "100 %"):
        assert "--allow-deletions 37 " in _why(plan, allow_changes=permission)
    assert not _why(plan, allow_deletions=37)
    both = shrinking(40, 30, changed=30)
    assert "--allow-changes 30 and --allow-deletions 10 " in _why(both)
    assert "--allow-deletions" not in _why(both, allow_deletions=40)
    assert "--allow-changes 30 " in _why(both, allow_deletions="100 %")
    assert not _why(both, allow_changes=30, allow_deletions=10)


@pytest.mark.parametrize(
    ("amount", "changes", "deletions"),
    [
        (0, False, False), ("0", False, False), ("0 %", False, False), ("0%", False, False), (3, False, False),
        (4, True, True), ("4", True, True), (" 4 ", True, True), ("40 %", True, True), ("40%", True, True),
        ("39.9 %", False, False), ("100%", True, True),
    ],
)  # fmt: skip
def test_a_limit_is_a_number_or_a_percentage(amount: Any, changes: bool, deletions: bool) -> None:
    assert bool(_why(fleet(10, 4), allow_changes=amount)) is not changes
    assert bool(_why(shrinking(10, 6), allow_deletions=amount)) is not deletions


@pytest.mark.parametrize("wrong", [-1, "-1", "x", "", "101 %", "1e3", 0.3, "0.3", True, [], "5 %%", "²", "٣", "1" * 40])
def test_invalid_amounts_are_refused(wrong: Any) -> None:
    for name in ("allow_changes", "allow_deletions"):
        with pytest.raises(SettingsError, match=f"{name} must be a whole number or a percentage"):
            fleet(1, 0).raise_if_unsafe(**{name: wrong})


def test_zero_forbids_all_changes() -> None:
    assert _why(fleet(1, 1), allow_changes=0)
    assert _why(fleet(1, 1), allow_changes="0 %")
    assert _why(shrinking(5, 4), allow_deletions="0 %")
    assert not _why(fleet(1, 0), allow_changes=0, allow_deletions=0)


def test_a_percentage_of_deletions_applies_to_each_kind() -> None:
    """A percentage counts folders and hosts separately; a number counts both."""
    hosts = [held("host", f"h{n}", "me", folder="/") for n in range(100)]
    folders = [held("folder", f"/f{n}", "me", title="x") for n in range(4)]
    desired = from_data({"hosts": [{"name": f"h{n}"} for n in range(95)]})
    plan = diff(desired, holding(*hosts, *folders), owner="me")
    assert plan.deleted_counts() == {"folder": 4, "host": 5}
    assert "at most 1 of your 4 folders may be deleted" in _why(plan)
    assert "deletes 4 of 4 folders and 5 of 100 hosts" in _why(plan)
    assert "--allow-deletions 9 " in _why(plan)
    assert _why(plan, allow_deletions=8)
    assert not _why(plan, allow_deletions=9)


@pytest.mark.parametrize(("owner", "adopt"), [("me", True), (None, False)])
def test_objects_without_an_owner_count_as_existing(owner: Optional[str], adopt: bool) -> None:
    desired = from_data({"hosts": [{"name": f"h{n}", "attributes": {"alias": "new"}} for n in range(50)]})
    hosts = [held("host", f"h{n}") for n in range(50)]
    plan = diff(desired, holding(*hosts, held("host", "other")), owner=owner, adopt=adopt)
    assert "changes 50 of 50 existing objects" in _why(plan)
    assert not _why(plan, allow_changes=50)
    diff(desired, holding(*hosts[:9]), owner=owner, adopt=adopt).raise_if_unsafe()


def test_unchanged_objects_count_as_existing() -> None:
    desired = from_data({"hosts": [{"name": f"h{n}", "attributes": {"alias": "new"}} for n in range(10)]})
    hosts = [held("host", f"h{n}", attributes__alias="old" if n < 3 else "new") for n in range(10)]
    plan = diff(desired, holding(*hosts))
    assert (plan.changed_count(), plan.existing) == (3, 10)
    plan.raise_if_unsafe()


def test_creations_are_not_limited() -> None:
    many = from_data({"hosts": [{"name": f"h{n}"} for n in range(500)]})
    diff(many, holding(*[held("host", f"h{n}", "me") for n in range(20)]), owner="me").raise_if_unsafe(
        allow_changes=0, allow_deletions=0
    )


def test_a_host_that_is_moved_and_changed_counts_once() -> None:
    desired = from_data({"hosts": [{"name": f"h{n}", "folder": "/x", "attributes": {"alias": "n"}} for n in range(10)]})
    plan = diff(desired, holding(*[held("host", f"h{n}", "me") for n in range(10)]), owner="me")
    assert plan.changed_count() == 10


def test_the_checksum_depends_on_the_site(site: SimulatedSite, connect: Any, cmk: Checkmk) -> None:
    desired = from_data({"hosts": [{"name": "a"}]})
    with SimulatedSite() as staging:
        reviewed = make_plan(connect(staging), desired, owner="me")
    plan = make_plan(cmk, desired, owner="me")
    assert plan.changes == reviewed.changes
    assert plan.to_dict()["site"] == cmk.settings.base_url
    with pytest.raises(PlanChangedError):
        plan.raise_if_unsafe(checksum=reviewed.checksum)
    plan.raise_if_unsafe(checksum=make_plan(cmk, desired, owner="me").checksum)


# Configured limits


def _fleet(site: SimulatedSite, client: Any, count: int) -> None:
    plan = make_plan(client, from_data({"hosts": [{"name": f"h{n}"} for n in range(count)]}), owner="me")
    client.hosts.bulk_create(
        {"host_name": change.key, "attributes": {"labels": {"checkmk_sync/owner": "me"}}} for change in plan.changes
    ).raise_for_failures()


def test_limits_can_be_configured(site: SimulatedSite, connect: Any, cmk: Checkmk) -> None:
    _fleet(site, cmk, 20)
    wanted = from_data({"hosts": [{"name": f"h{n}", "attributes": {"alias": "x"}} for n in range(15)]})
    for limits, refused in (
        ({"changes": 15, "deletions": 5}, ""),
        ({"changes": "75 %", "deletions": "25 %"}, ""),
        ({"changes": 15}, "--allow-deletions 5 "),
        ({"deletions": 5}, "--allow-changes 15 "),
        ({"changes": 14, "deletions": 4}, "--allow-changes 15 and --allow-deletions 5 "),
        ({"changes": 0, "deletions": 0}, "--allow-changes 15 and --allow-deletions 5 "),
    ):
        plan = make_plan(connect(site, sync={"limits": limits}), wanted, owner="me")
        assert refused in _why(plan) if refused else not _why(plan), limits
        assert not _why(plan, allow_changes=15, allow_deletions=5), "an argument replaces the configured limit"
        assert _why(plan, allow_changes=0)
    for limits in ({"changes": "x"}, {"deletions": -1}, {"deletion": 1}):
        with pytest.raises(SettingsError, match="sync.limits."):
            connect(site, sync={"limits": limits})


def test_options_override_the_file_and_the_file_overrides_the_default(
    site_for_cli: SimulatedSite, sync: Run, tmp_path: Path
) -> None:
    with site_for_cli.client() as client:
        _fleet(site_for_cli, client, 20)
    inventory, config = tmp_path / "hosts.csv", tmp_path / "config.yaml"
    inventory.write_text("name\n" + "".join(f"h{n}\n" for n in range(15)))
    plan = ("plan", str(inventory), "--owner", "me")
    assert "Apply is refused: the plan changes 0 of 20 existing objects and deletes 5 of 20 hosts" in sync(*plan).out
    assert "refused" not in sync(*plan, "--allow-deletions", "25%").out
    assert sync(*plan, "--json").data["refused"].startswith("the plan changes 0 of 20")
    config.write_text("sync:\n  limits: {deletions: 25%, changes: 40}\n")
    config.chmod(0o600)
    configured = ("--config", str(config))
    assert "refused" not in sync(*plan, *configured).out
    assert sync(*plan, *configured, "--json").data["refused"] is None
    assert "Apply is refused" in sync(*plan, *configured, "--allow-deletions", "4").out
    apply = ("apply", *plan[1:], "--yes")
    assert sync(*apply).code == 2
    assert sync(*apply, *configured, "--allow-deletions", "0").code == 2
    assert sync(*apply, "--checksum", sync(*plan, "--json").data["checksum"]).code == 2
    assert sync(*apply, *configured).code == 0
    for text in ("sync: {limits: {deletions: many}}\n", "sync: {limits: [1]}\n", "sync: {limit: {}}\n", "sync: 5\n"):
        config.write_text(text)
        wrong = sync(*plan, *configured)
        assert (wrong.code, f"{config}:1" in wrong.err) == (2, True), wrong.err


@pytest.mark.parametrize("option", ["--allow-changes", "--allow-deletions"])
def test_an_invalid_amount_is_refused_before_any_request(
    site_for_cli: SimulatedSite, sync: Run, tmp_path: Path, option: str
) -> None:
    inventory = tmp_path / "a.csv"
    inventory.write_text("name\na\n")
    for command in ("plan", "apply"):
        refused = sync(command, str(inventory), option, "lots")
        assert refused.code == 2
        assert option in refused.err
        assert "must be a whole number or a percentage up to 100 %, such as 40 or 30%, not 'lots'" in refused.err
    assert len(site_for_cli.requests) == 0


def test_a_plan_says_why_it_would_be_refused() -> None:
    text = plan_as_text(shrinking(40, 3))
    assert "Apply is refused: the plan changes 0 of 40 existing objects and deletes 37 of 40 hosts" in text
    assert "Apply is refused" not in plan_as_text(shrinking(40, 3).with_permissions(allow_deletions="100 %"))
