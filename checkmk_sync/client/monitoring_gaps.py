"""Finds the reasons why a host is not monitored, or not completely."""

from __future__ import annotations

from dataclasses import dataclass
from shlex import quote
from typing import Iterator

from ..catalogue.states import HostState
from ..core.text import pluralize
from .nouns import Activation, Discovery, Hosts, HostStatuses, Jobs, Services
from .query import column
from .records import HostStatus
from .site import Site


@dataclass(frozen=True)
class MonitoringGap:
    """A reason why a host is not monitored, or not completely, and the next step to fix it."""

    reason: str
    next_step: str


def gaps_of(site: Site, name: str) -> Iterator[MonitoringGap]:
    """Yield the reasons, in the order of their next steps."""
    host = Hosts(site).find(name, effective_attributes=True, fresh=True)
    if host is None:
        yield MonitoringGap("the configuration has no host with this name", f"checkmk-sync hosts create {quote(name)}")
        return
    if host.is_offline:  # the core never loads the host
        step = f"checkmk-sync hosts update {quote(name)} --attribute tag_criticality=prod"
        yield MonitoringGap(f"its criticality is offline, set by the host or a folder of {host.folder}", step)
    pending = Activation(site).pending()
    if pending:
        yield MonitoringGap(f"{pluralize(len(pending), 'change')} not activated yet", "checkmk-sync activate")
    known = list(HostStatuses(site).each(query=column("name") == name, columns=["plugin_output"]))
    for status in known:
        yield from _gaps_of_checks(site, status)
    if not (known or pending or host.is_offline):
        yield _gap_of_site(site, str((host.effective_attributes or {}).get("site", "")))


def _gaps_of_checks(site: Site, host: HostStatus) -> Iterator[MonitoringGap]:
    if host.state is HostState.PENDING:
        yield MonitoringGap("the host has not been checked yet", "wait for two minutes, then repeat this command")
    elif host.state is not HostState.UP:
        reason = f"the host is {host.state.name}: {host['plugin_output']}"
        yield MonitoringGap(reason, "check its address, the network and its parents")
    # Checkmk: the service Check_MK gets the data of the agent, and its output contains the error.
    failed = (column("description") == "Check_MK") & column("state").one_of([2, 3])
    for service in Services(site).each(host=host.name, query=failed, columns=["plugin_output"]):
        yield MonitoringGap(f"the agent cannot be read: {service['plugin_output']}", "check the agent on the host")
    undecided = Discovery(site, Jobs(site)).result(host.name).in_phase("undecided")
    if undecided:
        reason = f"{pluralize(len(undecided), 'service')} found but not monitored"
        yield MonitoringGap(reason, f"checkmk-sync discover {quote(host.name)}, then checkmk-sync activate")


def _gap_of_site(site: Site, monitored_by: str) -> MonitoringGap:
    # Checkmk silently omits the hosts of a site that is down.
    with HostStatuses(site).each(sites=[monitored_by]) as others:
        if next(others, None) is None:
            return MonitoringGap(f"the site {monitored_by} shows no hosts", "check that this site runs and is connected")
    reason = f"the site {monitored_by} does not know the host, although no change is pending"
    return MonitoringGap(reason, "check the result of the last activation in Checkmk")
