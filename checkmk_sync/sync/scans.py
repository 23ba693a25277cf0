"""Find the hosts that need a service discovery. The state is read from the monitoring core and not stored here."""

from __future__ import annotations

from typing import Iterable, Iterator, Mapping, Optional

from ..catalogue.states import ServiceState
from ..client.checkmk import Checkmk
from ..client.query import column
from ..client.records import ServiceStatus
from ..client.updates import parse_time
from .observed import ExistingObject

_AGENT, _DISCOVERY = "Check_MK", "Check_MK Discovery"
# Checkmk adds these services itself. A host with no others was never discovered, or a discovery found nothing.
_BASIC = frozenset({_AGENT, _DISCOVERY, "Check_MK HW/SW Inventory"})
_FAILING = (ServiceState.CRITICAL, ServiceState.UNKNOWN)


def undiscovered(client: Checkmk, names: Iterable[str], *, any_pending: bool) -> Iterator[str]:
    """Yield the hosts that were never discovered, or on which no discovery found services.

    If ``any_pending`` is True, this includes hosts that the monitoring core does not know because they are not
    activated yet.
    """
    wanted = set(names)
    if not wanted:
        return
    if any_pending:  # without pending changes, the core knows all hosts, so their names need not be read
        monitored = {host.name for host in client.host_status.each()}
        yield from sorted(wanted - monitored)
        wanted &= monitored
    bare = client.host_status.each(query=column("num_services") <= len(_BASIC), columns=["services"])
    for host in bare:
        services = set(host["services"])
        if host.name in wanted and _AGENT in services and services <= _BASIC:
            yield host.name


def silent(client: Checkmk, hosts: Mapping[str, ExistingObject]) -> Iterator[str]:
    """Yield the undiscovered hosts on which a scan has found nothing since they were last changed.

    Sends one request, or none if ``hosts`` is empty.
    """
    if not hosts:
        return
    is_bare = column("host_num_services") <= len(_BASIC)
    query = is_bare & column("description").one_of([_AGENT, _DISCOVERY])
    rows = client.services.few(query, columns=["last_check", "plugin_output"])
    checks = {(row.host_name, row.name): row for row in rows}
    for name, existing in hosts.items():
        if _found_nothing(existing, checks.get((name, _AGENT)), checks.get((name, _DISCOVERY))):
            yield name


def _found_nothing(
    existing: ExistingObject, agent: Optional[ServiceStatus], discovery: Optional[ServiceStatus]
) -> bool:
    """Return True if the discovery check found no service to add, or the last scan failed and the agent still fails."""
    # Checkmk: a bulk discovery that cannot reach the agent sets inventory_failed, without changing updated_at. A bulk
    # discovery that succeeds removes it, and runs "Check_MK Discovery" immediately.
    if discovery is not None and discovery.state is ServiceState.OK and _is_later(discovery, existing):
        return "unmonitored" not in str(discovery["plugin_output"]).lower()
    if existing.attributes.get("inventory_failed") is not True:
        return False
    if agent is None or agent.state is ServiceState.PENDING:
        return True
    return agent.state in _FAILING and _is_later(agent, existing)


def _is_later(check: ServiceStatus, existing: ExistingObject) -> bool:
    """Return True if a check ran after the last change of its host."""
    # Checkmk: times of checks are whole seconds.
    changed = parse_time(existing.meta, "updated_at")
    return changed is None or float(check["last_check"]) >= int(changed)
