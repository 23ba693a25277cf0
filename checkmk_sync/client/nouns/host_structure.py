"""Renames and moves hosts, scans for their parents, and creates clusters of hosts."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from typing import Any, Iterable, Optional, Union

from ...catalogue.labels import ADOPTED_LABEL
from ...catalogue.paths import folder_path, host_name
from ...core.arguments import require_strings
from ...core.clock import Deadline
from ...errors import (
    AuthError,
    BadRequestError,
    BatchError,
    CheckmkError,
    ConflictError,
    JobError,
    NotFoundError,
    UnexpectedReplyError,
)
from ..attributed import Attributed
from ..bulk_editable import BulkEditable
from ..outcomes import Outcome, Outcomes, Progress, Status
from ..records import Host
from ..resource import writes
from ..settling import after_write, confirm, wait_for
from ..site import Site
from ..updates import Attributes, json_mapping
from .jobs import RACE_S, Job, Jobs

RENAME_JOB = "rename-hosts"  # CHECKMK_API_MORE 10.17: the ID of the job, which sites show since 2.4


class HostStructure(Attributed[Host], BulkEditable[Host]):
    """The methods of :class:`.Hosts` that change names, folders, parents and the nodes of clusters."""

    @writes
    def rename(self, name: str, new_name: str, *, timeout_s: float = 600.0) -> Host:
        """Rename a host, wait for the end of the rename, and return the host with its new name.

        >>> cmk.activation.activate()
        >>> cmk.hosts.rename("web01", "web01.example.com")

        The host keeps its history. The site also renames it where it is a parent, a node of a cluster, or in the
        conditions of rules. If the host was adopted by an owner, the label that contains its name is changed, too. The
        rename takes effect in the monitoring with the next activation.

        Raises ConflictError if changes are pending, because Checkmk renames no host before they are activated.
        If another rename is running, the call waits for its end, and then raises ConflictError. Raises
        NotFoundError if the host does not exist, BadRequestError if the new name is in use or not valid,
        JobError if the rename fails, and WaitTimeoutError if it does not end in ``timeout_s`` seconds.
        """
        deadline = Deadline(self._site.clock, timeout_s)
        host_name(new_name)
        before = self.get(name, fresh=True)
        if new_name == name:
            return before
        failure = self._start_rename(before, new_name)
        race = Deadline(self._site.clock, RACE_S)

        def ended(site: Site) -> Optional[tuple[Optional[Host]]]:
            there = self._with_site(site)
            if there._is_renaming():
                return None
            found = there._find_renamed(name, new_name)
            # CHECKMK_API 10.15: a new job may be missing for a moment, or show the state of the previous one.
            return (found,) if found is not None or race.expired else None

        with after_write(f"the result of the rename of {name} is unknown"):
            (renamed,) = wait_for(self._site, ended, deadline, f"the rename of {name}")
        if renamed is None:
            raise failure or self._rename_error(name, new_name)
        self._site.invalidate_reads()  # the site has changed other hosts, folders and rules
        return self._adopted_as(renamed, name)

    def _start_rename(self, before: Host, new_name: str) -> Optional[CheckmkError]:
        """Start a rename. After a lost answer, return the error if a rename is running, which may be another one."""
        was_absent = self._is_absent(new_name)
        request = dict(path=self._path(before.name), body={"new_name": new_name}, object_names=(new_name,))
        try:
            self._perform("rename", etag=before.etag or "*", **request)
        except CheckmkError as error:
            failure = _with_hint(error)
            if not was_absent:  # the host with the new name proves nothing
                raise failure from error.__cause__
            # A refusal can answer the second copy of a request that a web server has sent twice.
            self._settle(
                failure,
                lambda there: there._is_renaming() or there._find_renamed(before.name, new_name) or None,
                ConflictError,
                NotFoundError,
                BadRequestError,
            )
            return failure
        return None

    def _is_renaming(self) -> bool:
        """Return True while a rename of any host runs."""
        if self._site.operation(self.noun, "rename_wait") is None:  # 2.2: the rename ends before its answer
            return False
        try:
            return self._perform("rename_wait").status == 302
        except NotFoundError:
            return False

    def _find_renamed(self, name: str, new_name: str) -> Optional[Host]:
        found = self.find(new_name, fresh=True)
        return found if found is not None and self.find(name, fresh=True) is None else None

    def _rename_error(self, name: str, new_name: str) -> JobError:
        state, log = None, ""
        with contextlib.suppress(CheckmkError):  # sites before 2.4 do not show the job
            job = Jobs(self._site).get(RENAME_JOB)
            state, log = job.state, "; ".join(job.log[-3:])
        reason = f"the log of the job ends with {log!r}" if log else "see the log of the site"
        return JobError(f"{name} was not renamed to {new_name}; {reason}", state=state)

    def _adopted_as(self, renamed: Host, name: str) -> Host:
        """Change the label that contains the name of an adopted host. Without it, the host would look like a clone."""
        if (renamed.attributes.get("labels") or {}).get(ADOPTED_LABEL) != name:
            return renamed
        try:
            return self.update(
                renamed.name,
                lambda found: {**found, "labels": {**(found.get("labels") or {}), ADOPTED_LABEL: renamed.name}},
            )
        except CheckmkError as error:
            text = f"{name} was renamed to {renamed.name}, but its label {ADOPTED_LABEL} could not be changed"
            raise error.with_attempted(f"{text}: {error}") from error.__cause__

    @writes
    def move(self, name: str, folder: str) -> Host:
        """Move a host to another folder and return it. If it is already in that folder, no change is sent.

        Raises NotFoundError if the host does not exist, and BadRequestError if the folder does not exist.
        """
        target = self._resolve_folder(folder)

        def parse(data: Any, etag: Optional[str]) -> Host:
            moved = Host.parse(data, etag)
            if moved.folder != target:
                raise UnexpectedReplyError(f"the answer shows {name} in {moved.folder} instead of {target}")
            return moved

        return self._change(
            name,
            "move",
            # CHECKMK_API 10.2: a move into the same folder is refused as "Invalid move action".
            lambda before: {} if before.folder == target else {"target_folder": target},
            lambda _there, found, *_: found.folder == target,
            refusals=lambda _body: (BadRequestError,),
            parse=parse,
        )

    @writes
    def bulk_move(self, names: Iterable[str], folder: str, *, progress: Optional[Progress] = None) -> Outcomes:
        """Move hosts to another folder, and return an outcome for each.

        >>> cmk.hosts.bulk_move(["web01", "web02"], "/archive").raise_for_failures()

        The API has no bulk call for moves, so the hosts are moved one after the other. A host that the site refuses
        does not hold up the others. A host that is already in the folder counts as applied. ``progress`` is called with
        each outcome. Raises BatchError, with the outcomes so far, if the credentials are wrong.
        """
        wanted = dict.fromkeys(require_strings(names, "names"))
        target = self._resolve_folder(folder)
        outcomes: list[Outcome] = []
        for name in wanted:
            try:
                self.move(name, target)
                outcome = Outcome(name, Status.APPLIED)
            except AuthError as error:
                raise BatchError(f"the hosts cannot be moved: {error}", outcomes=Outcomes(outcomes)) from error
            except CheckmkError as error:
                outcome = Outcome.failed(name, error)
            outcomes.append(outcome)
            if progress is not None:
                progress(outcome)
        return Outcomes(outcomes)

    @writes
    def create_cluster(
        self, name: str, nodes: Iterable[str], folder: str = "/", attributes: Optional[Attributes] = None
    ) -> Host:
        """Create a cluster and return it with its ETag.

        >>> cmk.hosts.create_cluster("db", ["db01", "db02"], "/linux")

        ``nodes`` are the names of existing hosts. The other arguments and the errors are as for :meth:`.Hosts.create`.
        Raises ValueError, without a change, if a node is a cluster itself.
        """
        host_name(name)
        host = Host(name, folder_path(folder), json_mapping(attributes or {}, name))
        cluster = replace(host, is_cluster=True, cluster_nodes=_nodes(nodes))
        # CHECKMK_API_MORE: the site checks only when nodes are changed that none of them is a cluster.
        for node in self._read_many(cluster.cluster_nodes or ()).values():
            if node.is_cluster:
                raise ValueError(f"{node.name!r} is a cluster, so it cannot be a node of {name!r}")
        return self._create(cluster)

    def _creation_verb(self, record: Host, /) -> str:
        return "create" if record.cluster_nodes is None else "create_cluster"

    @writes
    def set_nodes(self, name: str, nodes: Iterable[str], *, etag: Optional[str] = None) -> Host:
        """Replace the nodes of a cluster and return the cluster. If it already has these nodes, no change is sent.

        ``etag`` is as for :meth:`.Hosts.update`. Raises NotFoundError if the host does not exist or is not a cluster,
        and BadRequestError if a node does not exist or is a cluster.
        """
        wanted = _nodes(nodes)
        return self._change(
            name,
            "set_nodes",
            lambda before: {} if before.cluster_nodes == wanted else {"nodes": list(wanted)},
            lambda _there, found, *_: found.cluster_nodes == wanted,
            etag=etag,
            # The answer contains only the nodes, and no ETag.
            parse=lambda *_: confirm(self._site, lambda site: self._with_site(site).get(name, fresh=True)),
        )

    @writes
    def scan_parents(
        self,
        names: Iterable[str],
        *,
        gateways: Union[bool, str] = False,
        force_explicit: bool = False,
        wait: bool = True,
        timeout_s: float = 1800.0,
    ) -> Job:
        """Let the site find the parents of hosts with traceroute and set them, and return the background job.

        >>> cmk.hosts.scan_parents(["web01", "web02"], gateways="/gateways").result()

        * ``gateways``: the folder in which gateways without a host are created, or True for the folder of the host.
        * ``force_explicit``: set the parents of a host even if its folder has the same ones.
        * ``wait``: wait for the end of the job. With ``wait=False``, call :meth:`.Job.wait` later. Checkmk before 2.4
          does not show the job, so it requires ``wait=False``.

        If the job has failed, :meth:`.Job.result` raises JobError. Raises ConflictError while another parent scan runs,
        BadRequestError if a host does not exist, ValueError if ``names`` is empty, and WaitTimeoutError if the job
        takes longer than ``timeout_s`` seconds. Checkmk 2.2 has no parent scan.
        """
        hosts = require_strings(names, "names")
        if not hosts:
            raise ValueError("a parent scan must contain at least one host")
        jobs, deadline = Jobs(self._site), Deadline(self._site.clock, timeout_s)
        self._site.require_operation(self.noun, "scan_parents")
        if wait and not jobs.shows_all:
            raise CheckmkError(f"Checkmk {self._site.version()} does not show when a parent scan ends; use wait=False")
        body = {
            "host_names": hosts,
            "gateway_hosts": _gateways(gateways),
            # CHECKMK_API_MORE: these objects are required, although all their fields have defaults.
            "configuration": {"force_explicit_parents": force_explicit},
            "performance": {},
        }
        job = jobs.connect(self._read(Job.parse, "scan_parents", body=body))
        if wait:
            with after_write("the parent scan was started, but its result is unknown"):
                job = jobs.wait_until(job.id, deadline)
            self._site.invalidate_reads()  # the site has changed hosts
        return job


def _gateways(gateways: Union[bool, str]) -> dict[str, Any]:
    if isinstance(gateways, str):
        return {"option": "create_in_folder", "folder": folder_path(gateways)}
    return {"option": "create_in_host_location" if gateways else "no_gateway_hosts"}


def _nodes(nodes: Iterable[str]) -> tuple[str, ...]:
    names = tuple(require_strings(nodes, "nodes"))
    if not names:
        raise ValueError("a cluster must have at least one node")
    return names


def _with_hint(error: CheckmkError) -> CheckmkError:
    """Return the error of a rename, with the next step if the reason is a pending change."""
    if not (isinstance(error, ConflictError) and "pending changes" in f"{error.title} {error.detail}".lower()):
        return error
    detail = "Checkmk renames no host while changes are pending; activate them first"
    return error.with_texts(detail=detail)
