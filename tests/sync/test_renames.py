"""A deletion that is probably a rename is reported, and needs a confirmation by name."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from checkmk_sync import Checkmk
from checkmk_sync.errors import UnsafePlanError
from checkmk_sync.sync import Plan, apply_plan, diff, from_data, make_plan, plan_as_markdown, plan_as_text
from checkmk_sync.testing import SimulatedSite
from tests.conftest import Run
from tests.sync.test_apply import synchronise
from tests.sync.test_plan import held, holding, lines


def _hosts(old: str, new: str) -> Plan:
    others = [f"other{n}" for n in range(20)]
    site = holding(*(held("host", name, "me") for name in (old, *others)))
    return diff(from_data({"hosts": [{"name": name} for name in (new, *others)]}), site, owner="me")


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        ("srv01", "SRV01", "case"),
        ("SRV01.example.com", "srv01.Example.com", "case"),
        ("web01", "web01.example.com", "its domain"),
        ("web01.example.com", "web01", "its domain"),
        ("WEB01", "web01.example.com", "its domain"),
        ("web01.lan", "web01", "its domain"),
        ("web01.example.com", "web01.example.org", "its domain"),
    ],
)
def test_a_host_with_a_similar_name_is_a_rename(old: str, new: str, what: str) -> None:
    plan = _hosts(old, new)
    (rename,) = plan.renames
    assert (rename.kind, rename.old, rename.new, rename.difference) == ("host", old, new, what)
    said = f"host {old} is deleted and {new} is created, which differs only in {what}"
    assert f"Probable rename: {said}" in plan_as_text(plan)
    assert said in plan_as_markdown(plan)
    assert plan.to_dict()["renames"][0]["new"] == new
    with pytest.raises(UnsafePlanError, match=f"probably a rename.* --confirm-delete {old}$"):
        plan.raise_if_unsafe(allow_changes="100%", allow_deletions="100%", checksum=plan.checksum)
    plan.raise_if_unsafe(confirm_deletions=[old])
    for names in ([new], [old.upper() + "x"], []):
        with pytest.raises(UnsafePlanError):
            plan.raise_if_unsafe(confirm_deletions=names, allow_deletions="100%")
    with pytest.raises(TypeError):
        plan.raise_if_unsafe(confirm_deletions=old)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("web01", "web02"),
        ("web01", "web01b"),
        ("web01", "web01-example.com"),
        ("10.0.0.1", "10.0.0.2"),
        ("10", "10.0.0.1"),
        ("db.prod", "db.test"),
        ("sw.1", "sw.2"),
    ],
)
def test_dissimilar_names_are_not_a_rename(old: str, new: str) -> None:
    plan = _hosts(old, new)
    assert plan.renames == ()
    plan.raise_if_unsafe()


def test_a_single_creation_or_deletion_is_not_a_rename() -> None:
    site = holding(held("host", "web01", "me"), *(held("host", f"h{n}", "me") for n in range(20)))
    others = [{"name": f"h{n}"} for n in range(20)]
    assert not diff(from_data({"hosts": others}), site, owner="me").renames
    assert not diff(from_data({"hosts": [*others, {"name": "web01"}, {"name": "WEB01"}]}), site, owner="me").renames
    assert not diff(from_data({"hosts": [{"name": "WEB01"}]}), site).renames, "without an owner nothing is deleted"


FOLDERS = {
    "re-cased": ("/linux/web", "/Linux/Web", ["/linux", "/linux/web"], "case"),
    "moved": ("/linux/web", "/os/linux/web", ["/linux", "/linux/web"], "its parent folder"),
    "moved up": ("/old/linux/web", "/linux/web", ["/old/linux", "/old/linux/web"], "its parent folder"),
    "of one level": ("/web", "/WEB", ["/web"], "case"),
}


@pytest.mark.parametrize("name", FOLDERS)
@pytest.mark.parametrize("hosts", [0, 3])
def test_a_folder_that_is_moved_or_recased_is_a_rename(name: str, hosts: int) -> None:
    """The hosts move, and the folder would be deleted together with its rules."""
    old, new, renamed, what = FOLDERS[name]
    paths = [old[:index] for index in range(1, len(old) + 1) if old[index : index + 1] in ("/", "")]
    site = holding(
        *(held("folder", path, "me", title="t") for path in paths),
        *(held("host", f"h{n}", "me", folder=old) for n in range(hosts)),
        *(held("host", f"other{n}", "me") for n in range(20)),
    )
    wanted = [{"name": f"h{n}", "folder": new} for n in range(hosts)]
    wanted += [{"name": f"other{n}"} for n in range(20)]
    plan = diff(from_data({"hosts": wanted, "folders": [{"path": new}]}), site, owner="me")
    assert [rename.old for rename in plan.renames] == renamed
    assert {rename.difference for rename in plan.renames} == {what}
    assert plan.renames[-1].moves == hosts
    for number in range(hosts):
        assert f"> host h{number}: {old} -> {new}" in plan_as_text(plan)
    with pytest.raises(UnsafePlanError, match="probably a rename"):
        plan.raise_if_unsafe(allow_changes="100%", allow_deletions="100%")
    plan.raise_if_unsafe(allow_deletions="100%", confirm_deletions=renamed)
    plan.raise_if_unsafe(allow_deletions="100%", confirm_deletions=[renamed[0]])


def test_a_folder_whose_hosts_move_elsewhere_is_not_renamed() -> None:
    site = holding(
        held("folder", "/a", "me", title="a"),
        held("folder", "/a/web", "me", title="w"),
        held("host", "h", "me", folder="/a/web"),
    )
    elsewhere: Any = {"folders": [{"path": "/b/web"}], "hosts": [{"name": "h", "folder": "/db"}]}
    assert not diff(from_data(elsewhere), site, owner="me").renames
    deleted: Any = {"folders": [{"path": "/b/web"}], "hosts": [{"name": "other"}]}
    assert not diff(from_data(deleted), site, owner="me").renames
    two: Any = {"folders": [{"path": "/b/web"}, {"path": "/c/web"}], "hosts": [{"name": "h", "folder": "/c/web"}]}
    (rename,) = diff(from_data(two), site, owner="me").renames
    assert rename.new == "/c/web"


def test_a_folder_of_another_owner_is_not_a_rename() -> None:
    site = holding(held("folder", "/web", None, title="w"), held("host", "h", "me", folder="/web"))
    plan = diff(from_data({"hosts": [{"name": "h", "folder": "/Web"}]}), site, owner="me")
    assert lines(plan) == ["create folder /Web", "move host h"]
    assert not plan.renames


def test_recased_hosts_and_folders_are_renames(site: SimulatedSite, cmk: Checkmk) -> None:
    before = {"hosts": [{"name": f"srv{n:02d}", "folder": "/linux/web"} for n in range(8)]}
    synchronise(cmk, before)
    after = {"hosts": [{"name": f"SRV{n:02d}", "folder": "/Linux/Web"} for n in range(8)]}
    plan = make_plan(cmk, from_data(after), owner="cmdb")
    assert len([rename for rename in plan.renames if rename.kind == "host"]) == 8
    refusal = str(plan.refusal())
    assert "and 7 more" in refusal
    every = [f"srv{n:02d}" for n in range(8)]
    with pytest.raises(UnsafePlanError, match="--confirm-delete /linux"):
        plan.raise_if_unsafe(allow_deletions="100%", confirm_deletions=every)
    confirmed = [*every, "/linux"]
    with pytest.raises(UnsafePlanError, match="deletes 2 of 2 folders and 8 of 8 hosts"):
        plan.raise_if_unsafe(confirm_deletions=confirmed)
    plan.raise_if_unsafe(confirm_deletions=confirmed, allow_deletions=10)
    assert apply_plan(cmk, plan).ok


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("srv1", "the plan does not delete 'srv1'; did you mean 'srv01'?"),
        ("srv01.", "did you mean 'srv01'?"),
        ("Srv01", "did you mean 'srv01'?"),
        ("srv01.example.com", "did you mean 'srv01'?"),
        ("other3", "the plan does not delete 'other3'; leave it out"),
        ("", "the plan does not delete ''; leave it out"),
    ],
)
def test_a_confirmation_without_a_matching_deletion_is_refused(name: str, said: str) -> None:
    plan = _hosts("srv01", "srv01.example.com")
    for confirmed in ([name], ["srv01", name]):
        for check in (plan.with_permissions, plan.raise_if_unsafe):
            with pytest.raises(UnsafePlanError, match=f"the plan does not delete '{name}'") as caught:
                check(confirm_deletions=confirmed)
            if confirmed == [name] or name == "srv01.example.com":
                assert said in str(caught.value)


def test_a_folder_is_confirmed_by_its_path() -> None:
    site = holding(held("folder", "/web", "me", title="w"), *(held("host", f"o{n}", "me") for n in range(20)))
    wanted: Any = {"folders": [{"path": "/WEB"}], "hosts": [{"name": f"o{n}"} for n in range(20)]}
    plan = diff(from_data(wanted), site, owner="me")
    for name in ("web", "/web/", "/WEB"):
        with pytest.raises(UnsafePlanError, match=f"the plan does not delete '{name}'; did you mean '/web'"):
            plan.with_permissions(confirm_deletions=[name])
    plan.raise_if_unsafe(confirm_deletions=["/web"], allow_deletions=1)


@pytest.mark.parametrize("command", ["plan", "apply"])
def test_the_command_line_warns_about_a_confirmation_without_deletions(
    site_for_cli: SimulatedSite, sync: Run, tmp_path: Path, command: str
) -> None:
    path = tmp_path / "hosts.csv"
    others = "".join(f"h{n}\n" for n in range(30))
    path.write_text(f"name\nsrv01\n{others}")
    assert sync("apply", str(path), "--owner", "me", "--yes").code == 0
    options = [str(path), "--owner", "me", "--confirm-delete", "srv1", *(["--yes"] if command == "apply" else [])]
    idle = sync(command, *options)
    assert (idle.code, idle.err) == (
        0,
        "Warning: the confirmed deletion of 'srv1' has no effect, because the plan deletes nothing\n",
    )
    path.write_text(f"name\nSRV01\n{others}")
    refused = sync(command, *options)
    assert (refused.code, "did you mean 'srv01'?" in refused.err) == (2, True)
    assert "srv01" in site_for_cli.state.configuration.hosts


def test_the_command_line_requires_each_name(site_for_cli: SimulatedSite, sync: Run, tmp_path: Path) -> None:
    path = tmp_path / "hosts.csv"
    others = "".join(f"h{n}\n" for n in range(30))
    path.write_text(f"name\nweb01\nweb02\n{others}")
    assert sync("apply", str(path), "--owner", "me", "--yes").code == 0
    path.write_text(f"name\nweb01.example.com\nWEB02\n{others}")
    plan = ("plan", str(path), "--owner", "me")
    planned = sync(*plan, "--detailed-exitcode")
    assert planned.code == 4
    assert "Probable rename: host web01 is deleted and web01.example.com is created" in planned.out
    assert "confirm the deletion with --confirm-delete web01 --confirm-delete web02" in planned.out
    checksum = sync(*plan, "--json").data["checksum"]
    apply = ("apply", *plan[1:])
    for options in (
        ["--yes"],
        ["--checksum", checksum],
        ["--yes", "--allow-deletions", "100%"],
        ["--yes", "--confirm-delete", "web01"],
    ):
        refused = sync(*apply, *options)
        assert (refused.code, "probably a rename" in refused.err) == (2, True), options
    assert "web01" in site_for_cli.state.configuration.hosts
    confirmed = ["--confirm-delete", "web01", "--confirm-delete", "web02"]
    assert "Apply is refused" not in sync(*plan, *confirmed).out
    assert sync(*apply, "--yes", *confirmed).code == 0
    assert sync(*apply, "--yes", *confirmed).out == "Nothing to do.\n"


@pytest.mark.parametrize("first", ["srv", "10"])
def test_many_hosts_with_a_common_first_label_are_not_renames(first: str) -> None:
    names = [[f"{first}.n{number}.{kind}.example.com" for number in range(4000)] for kind in ("old", "new")]
    site = holding(*(held("host", name, "me") for name in names[0]))
    started = time.process_time()
    plan = diff(from_data({"hosts": [{"name": name} for name in names[1]]}), site, owner="me")
    assert time.process_time() - started < 10
    assert plan.renames == ()
