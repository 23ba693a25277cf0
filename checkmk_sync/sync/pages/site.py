"""The overview of a site: how many hosts, folders and owners it has, and the data that somebody should look at."""

from __future__ import annotations

import dataclasses
import datetime as dt
import itertools
from collections import Counter
from typing import Any, Collection, Iterator, Mapping, Optional

from ...client.checkmk import Checkmk, require_client
from ...core.grouping import grouped
from ...core.text import escape_unprintable, pluralize, summarize
from ..kinds import FOLDER, FOLDERS, HOSTS
from ..observed import ExistingObject, Observed, observe
from ..ownership import Ownership
from ..scans import silent, undiscovered
from .document import document

SHOWN = 5  # names in one line of text
# Checkmk: with the Nagios core, every host has this contact group, which exists only for notifications.
_NOT_A_GROUP = {"check-mk-notify"}
CHECKS = (
    *("never discovered", "no services", "same address", "no contact group", "probably a clone", "unknown owner"),
    "old problem",
)


@dataclasses.dataclass(frozen=True)
class Finding:
    """A host, problem or owner that somebody should look at.

    ``check`` is a key of :attr:`SiteOverview.counts`. ``kind`` is ``host``, ``service`` or ``owner``, and ``text``
    contains the details.
    """

    check: str
    kind: str
    name: str
    folder: str
    text: str


@dataclasses.dataclass(frozen=True)
class SiteOverview:
    """The numbers of a site, and the quality of its data.

    ``site`` is the address of the site. ``owners`` are the owners in the labels of hosts and folders, with the numbers
    of their objects. ``findings`` are the objects that somebody should look at.
    """

    site: str
    hosts: int
    folders: int
    owners: Mapping[str, int]
    findings: tuple[Finding, ...]

    @property
    def counts(self) -> dict[str, int]:
        """The number of findings of each check."""
        counts = Counter(finding.check for finding in self.findings)
        return {check: counts[check] for check in CHECKS}

    def to_dict(self) -> dict[str, Any]:
        """Return the overview as plain data."""
        return {**dataclasses.asdict(self), "counts": self.counts}


def site_overview(client: Checkmk, *, owners: Optional[Collection[str]] = None, problem_days: int = 7) -> SiteOverview:
    """Read a site and return its numbers, with the hosts, owners and problems that somebody should look at.

    ``owners`` are all owners that have an inventory. If it is given, other owners in labels are reported, because their
    objects are probably left over. A problem is reported if it began more than ``problem_days`` days ago, and is
    neither acknowledged nor in a downtime. Nothing is changed.
    """
    require_client(client, "site_overview")
    observed = observe(client)
    hosts = {host.key: host for host in observed.of_kind(HOSTS.name)}
    marked = Counter(found.owner for found in observed.objects.values() if found.owner is not None)
    checks = (_unscanned(client, observed, hosts), _addresses(hosts), _contacts(client), _clones(observed, hosts))
    found = [
        Finding(check, HOSTS.name, name, hosts[name].properties[FOLDER], text)
        for check, name, text in itertools.chain(*checks)
        if name in hosts
    ]
    for owner in sorted(marked.keys() - set(marked if owners is None else owners)):
        text = f"{pluralize(marked[owner], 'object')} with its label; none of the known inventories has this owner"
        found.append(Finding("unknown owner", "owner", owner, "", text))
    folders = sum(1 for _ in observed.of_kind(FOLDERS.name))
    found += _old_problems(client, problem_days)
    return SiteOverview(client.settings.base_url, len(hosts), folders, dict(sorted(marked.items())), tuple(found))


_AboutHosts = Iterator[tuple[str, str, str]]  # the check, the name of the host, and the details


def _unscanned(client: Checkmk, observed: Observed, hosts: Mapping[str, ExistingObject]) -> _AboutHosts:
    bare = {*undiscovered(client, hosts, any_pending=bool(observed.pending))}
    scanned = {*silent(client, {name: hosts[name] for name in bare})}
    yield from (("never discovered", name, "no discovery has found services") for name in sorted(bare - scanned))
    yield from (("no services", name, "a scan found nothing; is the agent reachable?") for name in sorted(scanned))


def _addresses(hosts: Mapping[str, ExistingObject]) -> _AboutHosts:
    users = grouped(
        (str(address).strip().lower(), host.key)
        for host in hosts.values()
        for address in (host.attributes.get("ipaddress"), host.attributes.get("ipv6address"))
        if address and host.attributes.get("tag_address_family") != "no-ip"
    )
    for address, names in users.items():
        text = f"{address} is the address of {pluralize(len(names), 'host')}: {summarize(names, SHOWN)}"
        yield from (("same address", name, text) for name in names if len(names) > 1)


def _contacts(client: Checkmk) -> _AboutHosts:
    for host in client.host_status.each(columns=["contact_groups"]):
        if not {*host["contact_groups"]} - _NOT_A_GROUP:
            yield "no contact group", host.name, "no contact group is responsible for it"


def _clones(observed: Observed, hosts: Mapping[str, ExistingObject]) -> _AboutHosts:
    """Yield the hosts with the label of an owner that were not created by the user who created most of its hosts."""
    for owner, marked in grouped((host.owner, host) for host in hosts.values() if host.owner is not None).items():
        creators = Counter(host.created_by for host in marked if host.adopted_as is None)
        user = max(creators, key=lambda name: (creators[name], name == observed.user), default=observed.user)
        ownership = Ownership(owner, dataclasses.replace(observed, user=user))
        for host in filter(ownership.has_copied_label, marked):
            yield "probably a clone", host.key, ownership.conflict(host).why


def _old_problems(client: Checkmk, days: int) -> Iterator[Finding]:
    before = dt.datetime.fromtimestamp(client.clock.time(), dt.timezone.utc) - dt.timedelta(days=days)
    for problem in client.problems():
        if problem.since is not None and problem.since < before:
            text = f"{problem.state.name} since {problem.since:%Y-%m-%d}: {problem.output}"
            kind = "service" if problem.service else HOSTS.name
            yield Finding("old problem", kind, str(problem.object), problem.folder or "", text)


def overview_as_text(overview: SiteOverview) -> str:
    """Return the overview as text: a line with numbers, and a line for each check with its first findings."""
    owners = [f"{owner} ({pluralize(number, 'object')})" for owner, number in overview.owners.items()]
    numbers = f"{pluralize(overview.hosts, 'host')} in {pluralize(overview.folders, 'folder')}"
    lines = [f"{overview.site}: {numbers}; owners: {summarize(owners, SHOWN) or 'none'}"]
    for check, found in grouped((finding.check, finding.name) for finding in overview.findings).items():
        lines.append(f"{len(found):5} {check}: {summarize(found, SHOWN)}")
    return "\n".join(map(escape_unprintable, lines if overview.findings else [*lines, "No findings."]))


def overview_as_html(overview: SiteOverview) -> str:
    """Return the overview as one HTML file, with all findings."""
    data = overview.to_dict()
    entries = [{**found, "tag": found["check"], "note": found["text"], "rows": []} for found in data.pop("findings")]
    return document({"page": "site", **data, "entries": entries})
