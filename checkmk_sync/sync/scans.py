"""Hosts that have to be scanned for services. The monitoring core tells which, so nothing has to be remembered here."""

from __future__ import annotations

from typing import Iterable, Iterator, Mapping, Optional

from ..catalogue.states import ServiceState
from ..client.checkmk import Checkmk
from ..client.query import column
from ..client.records import ServiceStatus
from ..client.updates import parse_time
from .observed import Found

__all__ = ["silent", "undiscovered"]

_AGENT, _DISCOVERY = "Check_MK", "Check_MK Discovery"
# Checkmk adds these by itself; a host with an agent and nothing else was never discovered, or nothing was found.
_BASIC = frozenset({_AGENT, _DISCOVERY, "Check_MK HW/SW Inventory"})
_FAILING = (ServiceState.CRITICAL, ServiceState.UNKNOWN)


def undiscovered(client: Checkmk, names: Iterable[str], *, any_pending: bool) -> Iterator[str]:
    """Those of the hosts that were never discovered, or whose discovery never found anything.

    The core tells: they have no services but those that Checkmk adds by itself. What the core does not
    know at all is either not activated or was never seen, so it counts as well; that can only be while
    something is pending, and only then the names of all monitored hosts are read.
    """
    wanted = set(names)
    if not wanted:
        return
    if any_pending:
        monitored = {host.name for host in client.host_status.each()}
        yield from sorted(wanted - monitored)
        wanted &= monitored
    bare = client.host_status.each(query=column("num_services") <= len(_BASIC), columns=["services"])
    for host in bare:
        has = set(host["services"])
        if host.name in wanted and _AGENT in has and has <= _BASIC:
            yield host.name


def silent(client: Checkmk, hosts: Mapping[str, Found]) -> Iterator[str]:
    """Those of some undiscovered hosts on which a scan has found nothing, and that were not changed since.

    One request, whatever their number, and none for no hosts.
    """
    if not hosts:
        return
    is_bare = column("host_num_services") <= len(_BASIC)
    query = is_bare & column("description").one_of([_AGENT, _DISCOVERY])
    rows = client.services.few(query, columns=["last_check", "plugin_output"])
    checks = {(row.host_name, row.name): row for row in rows}
    for name, found in hosts.items():
        if _found_nothing(found, checks.get((name, _AGENT)), checks.get((name, _DISCOVERY))):
            yield name


def _found_nothing(found: Found, agent: Optional[ServiceStatus], discovery: Optional[ServiceStatus]) -> bool:
    """True if the site's own check finds no service to add, or the last scan failed and the agent still fails.

    Checkmk: a bulk discovery that cannot reach the agent sets ``inventory_failed``, and one that succeeds removes it
    and has "Check_MK Discovery" run at once. Setting it is no change of the host: ``updated_at`` stays.
    """
    if discovery is not None and discovery.state is ServiceState.OK and _is_later(discovery, found):
        return "unmonitored" not in str(discovery["plugin_output"]).lower()
    if found.attributes.get("inventory_failed") is not True:
        return False
    if agent is None or agent.state is ServiceState.PENDING:
        return True
    return agent.state in _FAILING and _is_later(agent, found)


def _is_later(check: ServiceStatus, found: Found) -> bool:
    """True if a check ran after the last change of its host. Checkmk: checks are noted in whole seconds."""
    changed = parse_time(found.meta, "updated_at")
    return changed is None or float(check["last_check"]) >= int(changed)
