"""The command ``checkmk-sync demo``: from an inventory to a monitored site, without a Checkmk server."""

from __future__ import annotations

import itertools
import os
import tempfile
from typing import Any, Iterator

import click

from ..client.checkmk import Checkmk
from ..client.query import unhandled_problems
from ..client.records import severity
from ..core.data_files import rows
from ..sync import apply_plan, load, make_plan, plan_as_text, report_as_text
from .console import Output
from .options import State
from .simulate import until_terminated
from .stats import cost_as_text, cost_of
from .table import STATE_STYLES

OWNER = "demo"
# The inventory of a fictitious company: 2,112 hosts in 64 folders, always the same.
SITES = (("muc", "Munich", 10), ("nue", "Nuremberg", 20), ("ber", "Berlin", 30), ("vie", "Vienna", 40))
# Folder, prefix of the host names, number of hosts at each site, role, and further tags and labels.
ROLES = rows(__file__, "demo_roles")
COLUMNS = (
    *("name", "folder", "alias", "ipaddress", "tag_agent", "tag_snmp_ds", "tag_criticality"),
    *("label:site", "label:os", "label:role"),
)


def demo(state: State, keep: bool) -> int:
    from ..testing import SimulatedSite

    if state.as_json:
        raise click.UsageError("demo has no JSON output; use checkmk-sync simulate and apply --json instead")
    output, state.if_stopped = state.output, "the simulated site is gone"
    with tempfile.TemporaryDirectory(prefix="checkmk-sync-demo-") as folder:
        inventory = os.path.join(folder, "inventory.csv")
        with open(inventory, "w", encoding="utf-8") as file:
            file.write(inventory_as_csv())
        with SimulatedSite(lock_hold=0.01, host_cost=0.0005, activation_time=1.0, discovery_time=1.0) as site:
            with state.observe(site.client()) as client:
                ok = _synchronise(output, client, inventory)
                _problems(output, client)
                _headline(output, "6. The cost of this run")
                for line in cost_as_text(cost_of([client.collector])):
                    output.line(f"   {line}")
            if keep:
                _keep_running(output, site, inventory)
            elif output.is_terminal:
                _headline(
                    output, "Next: follow docs/tutorial.md, or keep a site like this running: checkmk-sync demo --keep"
                )
    return 0 if ok else 1


def _headline(output: Output, text: str) -> None:
    output.line("")
    output.line(text, style="bold")


def _synchronise(output: Output, client: Checkmk, inventory: str) -> bool:
    _headline(output, f"1. The inventory: {inventory}")
    lines = inventory_as_csv().splitlines()
    for line in lines[:3]:
        output.line(f"   {line}")
    output.line(f"   … {len(lines) - 1} hosts")
    desired = load(inventory)

    _headline(output, "2. The plan: the changes that the site needs")
    plan = make_plan(client, desired, owner=OWNER)
    output.marked_lines(plan_as_text(plan, limit=6))

    _headline(output, "3. Apply: create folders, create hosts in bulk, discover services, activate once, verify")
    with output.progress() as watch:
        report = apply_plan(client, plan, watch=watch)
    output.marked_lines(report_as_text(report))

    _headline(output, "4. A second plan: nothing is left to change")
    again = make_plan(client, desired, owner=OWNER)
    output.marked_lines(plan_as_text(again, limit=3))
    return report.ok and again.is_empty


def _problems(output: Output, client: Checkmk) -> None:
    _headline(output, "5. The problems that the site reports now")
    services = list(client.services.each(query=unhandled_problems(), columns=["plugin_output"]))
    output.line(f"   {len(services)} unhandled problems, the worst first:")
    for service in sorted(services, key=severity)[:5]:
        folder = client.folders.get(client.hosts.get(service.host_name).folder)
        host = f"{service.host_name} ({folder.path})"
        state = service.state.name
        text = f"  {host}: {service.name}: {service['plugin_output']}"
        output.line(text, STATE_STYLES.get(state, ""), label=f"   {state:8}")


def _keep_running(output: Output, site: Any, inventory: str) -> None:
    _headline(output, "The site keeps running until you press Ctrl-C. Try these commands in another terminal:")
    output.line(f"   export CHECKMK_SERVER_URL={site.url} CHECKMK_SITE={site.site}")
    output.line(f"   export CHECKMK_USERNAME={site.username} CHECKMK_PASSWORD={site.password}")
    output.line("   checkmk-sync doctor")
    output.line("   checkmk-sync problems --limit 10")
    output.line(f"   checkmk-sync plan {inventory} --owner {OWNER}")
    output.console.file.flush()
    with until_terminated() as wait:
        wait()


def inventory_as_csv() -> str:
    """Return the inventory of the fictitious company as CSV text, like an export of a CMDB."""
    lines = [",".join(row.get(column, "") for column in COLUMNS) for row in _hosts()]
    return "\n".join([",".join(COLUMNS), *lines, ""])


def _hosts() -> Iterator[dict[str, str]]:
    """Yield a row for each host, with the names of columns as keys."""
    for short, city, network in SITES:
        addresses = itertools.count(1)
        for role in ROLES:
            prefix = role["prefix"]
            for number, address in zip(range(1, int(role["hosts"]) + 1), addresses):
                yield {
                    **role,
                    "name": f"{short}-{prefix}{number:03d}",
                    "folder": f"/{short}/{role['folder']}",
                    "alias": f"{prefix}{number:03d} in {city}",
                    "ipaddress": f"10.{network}.{address // 250}.{address % 250 + 1}",
                    "label:site": short,
                }
