"""Tools that create users never handle secrets."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("mcp", reason="needs the extra 'mcp' and Python 3.10")

from mcp import Client

from checkmk_sync.testing import SimulatedSite
from tests.mcp.in_process_client import error_text, result_data, run_client

SECRET = "geheim-geheim"


def _create(site: SimulatedSite, log: Path, name: str, **values: Any) -> Any:
    async def script(client: Client) -> Any:
        return await client.call_tool("configuration_create", {"kind": "users", "name": name, "values": values})

    return run_client(site, script, allow_writes=True, audit=log)


def test_tools_set_no_secrets_of_users(tmp_path: Path) -> None:
    log = tmp_path / "audit.log"
    with SimulatedSite(user_attributes=["api_token", "phone"]) as site:
        refused = error_text(_create(site, log, "jim", fullname="Jim", password=SECRET))
        assert "password is a secret, which a tool cannot set" in refused
        refused = error_text(_create(site, log, "jim", fullname="Jim", custom_attributes={"api_token": SECRET}))
        assert "custom_attributes contains a secret, which a tool cannot set" in refused
        made = result_data(_create(site, log, "jdoe", fullname="Jane", custom_attributes={"phone": "12"}))
        assert made["values"]["custom_attributes"] == {"phone": "12"}
        assert SECRET not in f"{refused}{[request.body for request in site.requests]}{log.read_text('utf-8')}"
