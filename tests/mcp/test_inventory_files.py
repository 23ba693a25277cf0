"""Inventory files come from one folder, are read once, and have a limited size."""

from __future__ import annotations

import contextlib
import os
import threading
from pathlib import Path
from typing import Any, Iterator

import pytest

pytest.importorskip("mcp", reason="needs the extra 'mcp' and Python 3.10")

from mcp import Client

from checkmk_sync.mcp.policy import MAX_FILE, Policy
from checkmk_sync.testing import SimulatedSite
from tests.mcp.in_process_client import error_text, result_data, run_client

OUTSIDE = "name\nsecret-outside\n"


@pytest.fixture(scope="module")
def quiet() -> Iterator[SimulatedSite]:
    with SimulatedSite() as site:
        yield site


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "inventories"
    (folder / "deep").mkdir(parents=True)
    (folder / "deep" / "good.csv").write_text("name\nx\n")
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "good.csv").write_text(OUTSIDE)
    return folder


def _plan(site: SimulatedSite, folder: Path, name: str) -> Any:
    async def script(client: Client) -> Any:
        return await client.call_tool("sync_plan", {"file": name})

    return run_client(site, script, sync_folder=str(folder))


def test_only_files_of_the_folder_are_read(quiet: SimulatedSite, folder: Path, tmp_path: Path) -> None:
    os.link(tmp_path / "outside" / "good.csv", folder / "hard.csv")
    (folder / "away").symlink_to(tmp_path / "outside")
    (folder / "inside").symlink_to(folder / "deep")
    for name in ("deep/good.csv", "inside/good.csv", "deep/../deep/good.csv"):
        assert result_data(_plan(quiet, folder, name))["counts"]["create"] == 1
    for name in ("hard.csv", "away/good.csv", "deep/none.csv", "deep/../../outside/good.csv", "x" * 300 + ".csv"):
        refused = error_text(_plan(quiet, folder, name))
        assert "secret-outside" not in refused
        assert str(tmp_path) not in refused


def test_errors_name_the_file_as_it_was_given(quiet: SimulatedSite, folder: Path, tmp_path: Path) -> None:
    (folder / "deep" / "bad.csv").write_text("name,folder\na b,/\n")
    (folder / "deep" / "latin.csv").write_bytes(b"name\n\xe9\n")
    for name, why in (("deep/bad.csv", "deep/bad.csv:2"), ("deep/latin.csv", "deep/latin.csv")):
        refused = error_text(_plan(quiet, folder, name))
        assert why in refused
        assert str(tmp_path) not in refused


@pytest.mark.parametrize("swapped", ["deep", "deep/good.csv"])
def test_a_link_created_between_check_and_open_is_not_followed(folder: Path, tmp_path: Path, swapped: str) -> None:
    """A program with write access to the folder keeps replacing a part of the path by a link."""
    over = threading.Event()
    place, spare = folder / swapped, folder / "spare"
    target = tmp_path / "outside" / ("good.csv" if swapped.endswith("csv") else "")

    def swap() -> None:
        while not over.is_set():
            place.rename(spare)
            place.symlink_to(target)
            place.unlink()
            spare.rename(place)

    swapping = threading.Thread(target=swap)
    swapping.start()
    policy, texts = Policy(sync_folder=str(folder)), set()
    try:
        for _ in range(3000):
            with contextlib.suppress(ValueError):
                texts.add(policy.inventory("deep/good.csv").text)
    finally:
        over.set()
        swapping.join()
    assert texts <= {"name\nx\n"}


def test_large_files_are_refused(quiet: SimulatedSite, folder: Path) -> None:
    with open(folder / "large.csv", "wb") as file:
        file.write(b"name\nx\n")
        file.truncate(MAX_FILE + 1)
    assert "larger than 16 MiB" in error_text(_plan(quiet, folder, "large.csv"))


def test_a_file_may_contain_more_objects_than_a_call(quiet: SimulatedSite, folder: Path) -> None:
    (folder / "many.csv").write_text("name\n" + "".join(f"h{number}\n" for number in range(600)))
    assert result_data(_plan(quiet, folder, "many.csv"))["counts"]["create"] == 600


@pytest.mark.parametrize("tool", ["sync_plan", "sync_apply"])
def test_without_a_folder_only_inline_data_is_accepted(quiet: SimulatedSite, tool: str) -> None:
    async def script(client: Client) -> Any:
        return await client.call_tool(tool, {"file": "good.csv"})

    refused = error_text(run_client(quiet, script, allow_writes=True))
    assert "file: this server was started without --sync-folder" in refused
    assert "as inventory" in refused
    assert "not permitted" not in refused


def test_files_use_the_mapping_of_the_operator(quiet: SimulatedSite, folder: Path, tmp_path: Path) -> None:
    """Data is not mapped, and no model can name a mapping file."""
    (tmp_path / "map.yaml").write_text("name: '{Host|lower}'\nskip: {Status: old}\n")
    (folder / "cmdb.csv").write_bytes("Host;Status;Ort\nWEB01;new;Köln\nWEB02;old;Köln\n".encode("cp1252"))

    async def script(client: Client) -> Any:
        file = await client.call_tool("sync_plan", {"file": "cmdb.csv"})
        plain = await client.call_tool("sync_plan", {"inventory": {"hosts": [{"name": "PLAIN"}]}})
        tools = {tool.name: tool.input_schema for tool in (await client.list_tools()).tools}
        return file, plain, tools["sync_plan"]["properties"]

    options = {"sync": {"map": str(tmp_path / "map.yaml"), "encoding": "cp1252"}}
    file, plain, arguments = run_client(quiet, script, sync_folder=str(folder), encoding="cp1252", options=options)
    assert result_data(file)["counts"]["create"] == result_data(plain)["counts"]["create"] == 1
    assert "web01" in result_data(file)["changes"][0]
    assert "PLAIN" in result_data(plain)["changes"][0]
    assert result_data(file)["warnings"] == ["cmdb.csv: 1 of 2 rows left out by map.yaml: Status is 'old' (1)"]
    assert not {"map", "mapping", "encoding"} & set(arguments)


def test_errors_of_mapped_files_reveal_no_folder(quiet: SimulatedSite, folder: Path, tmp_path: Path) -> None:
    (tmp_path / "map.yaml").write_text("name: '{Hst}'\n")
    (folder / "cmdb.csv").write_text("Host\nweb01\n")

    async def script(client: Client) -> Any:
        return await client.call_tool("sync_plan", {"file": "cmdb.csv"})

    options = {"sync": {"map": str(tmp_path / "map.yaml")}}
    refused = error_text(run_client(quiet, script, sync_folder=str(folder), options=options))
    assert "map.yaml:1:8: cmdb.csv has no column 'Hst'" in refused
    assert str(tmp_path) not in refused
