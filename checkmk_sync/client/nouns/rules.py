"""Reads, creates, changes, moves and deletes rules, and lists rulesets."""

from __future__ import annotations

import contextlib
import itertools
from typing import Any, Iterable, Iterator, Mapping, Optional, Sequence

from ...catalogue.attributes import TAG
from ...catalogue.nouns import Rule, Ruleset, TagGroup
from ...catalogue.paths import folder_path
from ...catalogue.rule_conditions import conditions_problem
from ...core.text import suggestion
from ...errors import ApiError, NotFoundError
from ...streaming import Blocks, Received
from ..assigned_keys import AssignedKeys
from ..collection import Collection
from ..resource import writes
from ..rule_matching import RuleTarget
from ..site import Site
from ..site_attributes import read_tag_groups
from .hosts import Hosts
from .monitoring import HostStatuses, Services

_UNKNOWN = "Unknown ruleset."  # the title of the site's errors (CHECKMK_API 10.14)


class Rulesets(Collection[Ruleset]):
    """The rulesets of the site, as ``client.rulesets``. They can only be read.

    >>> [ruleset.name for ruleset in cmk.rulesets.each(used=False, fulltext="filesystem")]

    ``each`` returns the rulesets that have rules. The other ones, more than 1,500, are returned with ``used=False``.
    """

    def get(self, name: str, *, fresh: bool = False) -> Ruleset:
        """Return one ruleset. Raises NotFoundError, with a similar name, if the site does not have it."""
        with self.naming_similar(name):
            return super().get(name, fresh=fresh)

    def names(self) -> list[str]:
        """Return the sorted names of all rulesets, which costs four requests."""
        return sorted({*self.containing(), *self.containing(rules=False)})

    def containing(self, *, rules: bool = True) -> dict[str, Ruleset]:
        """Return the rulesets with or without rules by name, deprecated ones included. This costs two requests."""
        # Checkmk: "used=false" lists only the rulesets without rules (Ruleset.matches_ruleset_search_options).
        found = (self.each(used=rules, deprecated=is_deprecated) for is_deprecated in (False, True))
        return {ruleset.name: ruleset for ruleset in itertools.chain.from_iterable(found)}

    @contextlib.contextmanager
    def naming_similar(self, ruleset: str) -> Iterator[None]:
        """Add a similar name to the error if the site does not have the ruleset."""
        try:
            yield
        except ApiError as error:
            if error.title != _UNKNOWN:
                raise
            hint = ""
            with contextlib.suppress(ApiError):  # such as without the permission to list rulesets
                hint = suggestion(ruleset, tuple(self.names()))
            raise error.with_attempted(f"unknown ruleset {ruleset!r}{hint}") from None


class Rules(AssignedKeys[Rule]):
    """The rules of the configuration, as ``client.rules``. They are listed by their ruleset.

    >>> cmk.rules.create(ruleset="host_contactgroups", folder="/linux", value="all")
    >>> [rule.value for rule in cmk.rules.each(ruleset="host_contactgroups")]

    A value is a Python object, which requests and answers contain as text. Lists and tuples count as equal. If the
    site does not have the ruleset, the error names a similar one. Rules have no names, so ``ensure`` without an ID
    looks for a rule with the same value, conditions and other given fields in the folder.

    Changes take effect in the monitoring with the next activation (see :class:`Activation`).
    """

    def __init__(self, site: Site, record: type[Rule]) -> None:
        super().__init__(site, record)
        self._rulesets = Rulesets(site, Ruleset)

    @writes
    def move(
        self,
        rule_id: str,
        *,
        before: Optional[str] = None,
        after: Optional[str] = None,
        top_of: Optional[str] = None,
        bottom_of: Optional[str] = None,
    ) -> Rule:
        """Move a rule before or after another rule of its ruleset, or to the top or the bottom of a folder.

        >>> cmk.rules.move(rule.id, top_of="/linux")

        Give one of the arguments: the ID of a rule, or a folder. If the rule is already there, no change is sent.
        Rules that Quick setup manages stay at the top of their folder. Raises NotFoundError if a rule does not exist,
        and BadRequestError if the rules are in different rulesets.
        """
        targets = {"before": before, "after": after, "top_of": top_of, "bottom_of": bottom_of}
        given = [(name, target) for name, target in targets.items() if target is not None]
        if len(given) != 1:
            raise ValueError("give exactly one of before, after, top_of and bottom_of")
        ((name, target),) = given
        if name in ("before", "after"):
            body = {"position": f"{name}_specific_rule", "rule_id": self._require_key(target)}
        else:
            target = self._resolve_folder(target)
            body = {"position": f"{name[:-3]}_of_folder", "folder": target}
        return self._change(
            rule_id,
            "move",
            lambda rule: {} if self._is_at(rule, name, target) else body,
            lambda there, found, *_: there._is_at(found, name, target),
        )

    def effective(self, host: str, service: Optional[str] = None, *, ruleset: Optional[str] = None) -> list[Rule]:
        """Return the rules that apply to a host, or to one of its services, in the order of their evaluation.

        >>> cmk.rules.effective("web01", "CPU load", ruleset="extra_service_conf:check_interval")

        Without a ``ruleset``, the rules of all rulesets are returned, which costs one request for each ruleset in use.
        Without a ``service``, conditions for services are ignored. If the ``item_type`` of the ruleset is "item", give
        the item in place of the service. The ``match_type`` of the ruleset says which of the rules count.

        The client computes this from the folder and the conditions of the rules, so the result has limits. Labels that
        are not set in the configuration are known only if the host, or the service, is monitored. Time periods in
        values are ignored, and so are the nodes of clusters. Raises NotFoundError if the host is not configured.
        """
        names = [ruleset] if ruleset else sorted(self._rulesets.containing())
        rules = [rule for name in names for rule in self.each(ruleset=name)]
        return list(filter(self._target(host, service, rules).fits, rules))

    def _target(self, name: str, service: Optional[str], rules: Sequence[Rule]) -> RuleTarget:
        """Return the facts of a host and a service to which the conditions of the rules refer."""
        found = Hosts(self._site).get(name, effective_attributes=True, fresh=True)
        attributes = found.effective_attributes or found.attributes
        tags = {key[len(TAG) :]: value for key, value in attributes.items() if key.startswith(TAG)}
        used = {key for rule in rules for key in rule.conditions or {}}
        if "host_tags" in used:
            tags = {**_auxiliary_tags(read_tag_groups(self._site), tags), **tags}
        labels, service_labels = attributes.get("labels", {}), {}
        with contextlib.suppress(NotFoundError):  # not monitored
            if "host_label_groups" in used:
                # The monitoring still has the labels of the last activation.
                labels = {**HostStatuses(self._site).get(name, ["labels"])["labels"], **labels}
            if service is not None and "service_label_groups" in used:
                service_labels = Services(self._site).get(name, service, ["labels"])["labels"]
        return RuleTarget(name, found.folder, tags, labels, service, service_labels)

    def _is_at(self, rule: Rule, name: str, target: str) -> bool:
        """Return True if a rule is before or after the rule ``target``, or at the top or the bottom of that folder."""
        ids = [found.id for found in self.each(ruleset=rule.ruleset) if found.folder == rule.folder]
        row = [folder_path(rule.folder), *ids, folder_path(rule.folder)]  # the folder is the neighbour at both ends
        neighbour = 1 if name in ("before", "bottom_of") else -1
        return rule.id in ids and row[row.index(rule.id) + neighbour] == target

    def _create(self, record: Rule, *, was_absent: bool = False, listed: Optional[Iterable[Rule]] = None) -> Rule:
        if not was_absent:  # a caller that knows this, such as a sync, knows the ruleset
            self._require_conditions(record.ruleset, record.conditions)
        return super()._create(record, was_absent=was_absent, listed=listed)

    def _differing(self, before: Rule, values: Mapping[str, Any], /) -> Sequence[str]:
        changes = super()._differing(before, values)
        if "conditions" in changes:
            self._require_conditions(before.ruleset, values["conditions"])
        return changes

    def _require_conditions(self, ruleset: str, conditions: Optional[Mapping[str, Any]]) -> None:
        """Raise ValueError if the site would drop a condition, so that the rule would apply to more objects."""
        # All rulesets have the other conditions.
        is_unsure = any(name.startswith("service_") or "label" in name for name in conditions or ())
        found = self._rulesets.find(ruleset) if is_unsure else None
        problem = found and conditions_problem(conditions or {}, found)
        if problem:
            raise ValueError(problem)

    def _identity(self, given: Mapping[str, Any]) -> Mapping[str, Any]:
        # A rule with further conditions applies to other hosts.
        return {"conditions": None, "disabled": None, **given}

    def _list(self, received: Received, verb: str = "list", *, noun: str = "", **arguments: Any) -> Blocks[Rule]:
        with self._rulesets.naming_similar(arguments["query"]["ruleset_name"]):
            yield from super()._list(received, verb, noun=noun, **arguments)


def _auxiliary_tags(groups: Mapping[str, TagGroup], tags: Mapping[str, str]) -> dict[str, str]:
    """Return the auxiliary tags that the tags of a host imply, each with its own ID as the group."""
    of_host = (tag for group in groups.values() for tag in group.tags if tag.get("id") == tags.get(group.name))
    found = {name: name for tag in of_host for name in tag.get("aux_tags") or ()}
    # Checkmk (Host.tag_groups): hosts with an address but without agents have the tag "ping".
    is_pinged = (tags.get("agent"), tags.get("snmp_ds")) == ("no-agent", "no-snmp")
    return {**found, "ping": "ping"} if is_pinged and tags.get("address_family") != "no-ip" else found
