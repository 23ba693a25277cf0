"""Finds the reasons why a host, or some of its services, are not monitored."""

from __future__ import annotations

from typing import TYPE_CHECKING, Iterator, NamedTuple

from ..catalogue.paths import host_name
from ..catalogue.states import HostState, ServiceState
from ..core.text import pluralize
from .query import column

if TYPE_CHECKING:
    from .checkmk import Checkmk

AGENT = "Check_MK"  # the service that reports whether the agent answers


class Finding(NamedTuple):
    """A reason, or a fact about the monitoring of the host, with the next step; ``advice`` is empty without one."""

    finding: str
    advice: str = ""


def diagnose_host(client: Checkmk, host: str) -> Iterator[Finding]:
    """Yield the reasons why a host is not monitored completely.

    >>> for finding, advice in diagnose_host(cmk, "web01"):
    ...     print(finding, advice)

    If there is no reason, the only finding is the state of the host. The function only reads, but the site may contact
    the host to find its services. Errors of the site are raised.
    """
    configured = client.hosts.find(host_name(host), effective_attributes=True, fresh=True)
    is_offline = configured is not None and (configured.effective_attributes or {}).get("tag_criticality") == "offline"
    if configured is None:
        yield Finding(f"{host} is not configured", f"create it: checkmk-sync hosts create {host}")
    elif is_offline:
        # Checkmk: the core gets no hosts with this tag.
        yield Finding(
            f"the tag 'criticality' of {host} is 'offline', so it is not monitored",
            f"change it: checkmk-sync hosts update {host} --attribute tag_criticality=prod",
        )
    row = next(iter(client.host_status.each(query=column("name") == host, columns=("plugin_output",))), None)
    if row is None:
        yield from _not_in_core(client, host, "" if configured is None else configured.folder, is_offline)
        return
    found = [] if configured is None else [*_problems(client, host)]
    if row.state is not HostState.UP:
        found.insert(0, Finding(f"{host} is {row.state.name}: {row['plugin_output']}"))
    yield from found or [Finding(f"{host} is monitored, and it is {row.state.name}")]


def _not_in_core(client: Checkmk, host: str, folder: str, is_offline: bool) -> Iterator[Finding]:
    if not folder:
        return
    pending = len(client.activation.pending())
    if pending:
        count = pluralize(pending, "pending change")
        yield Finding(f"{host} in {folder} is configured, but not activated: {count}", "run: checkmk-sync activate")
    elif not is_offline:
        yield Finding(
            f"{host} in {folder} is configured and activated, but no running site reports it",
            "check whether the site that monitors the host is running, and whether the user may see the host",
        )


def _problems(client: Checkmk, host: str) -> Iterator[Finding]:
    services = {service.name: service for service in client.services.each(host=host, columns=("plugin_output",))}
    agent = services.get(AGENT)
    if agent is not None and agent.state not in (ServiceState.OK, ServiceState.PENDING):
        yield Finding(f"the agent does not answer as expected: {agent['plugin_output']}", "check the agent on the host")
    waiting = [name for name, service in services.items() if service.state is ServiceState.PENDING]
    if waiting:
        yield Finding(f"{pluralize(len(waiting), 'service')} not checked yet", "wait for the next check")
    result = client.discovery.result(host)
    inactive = {*result.in_phase("monitored"), *result.in_phase("changed")} - services.keys()
    if inactive:
        count = pluralize(len(inactive), "service")
        yield Finding(f"the configuration has {count} not activated yet", "run: checkmk-sync activate")
    new = result.in_phase("undecided")
    if new:
        count = pluralize(len(new), "service")
        yield Finding(f"the discovery has found {count} not monitored yet", f"run: checkmk-sync discover {host}")
    elif not services and not inactive:
        yield Finding("the discovery has found no services", f"scan again: checkmk-sync discover {host}")
