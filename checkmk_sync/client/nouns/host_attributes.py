"""Reads the attributes of hosts and folders that each site defines, and finds their users."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Container, Mapping, Optional

from ...catalogue.attributes import BUILT_IN, TAG
from ...catalogue.field import MALFORMED
from ...catalogue.nouns import Rule, Ruleset
from ...core.text import summarize
from ...errors import ForbiddenError, NotFoundError, UnexpectedReplyError
from ..records import Host
from ..resource import Resource
from ..site_attributes import SiteAttributes, read_tag_groups
from .folders import Folders
from .hosts import Hosts
from .rules import Rules, Rulesets

# Checkmk: the effective attributes also contain these.
_OTHERS = frozenset({"labels", "meta_data", "network_scan_result"})
_SHOWN = 5  # users of each kind in a message


@dataclass(frozen=True)
class AttributeUsers:
    """The users of an attribute: the names of hosts, the paths of folders, and the rules with a condition on a tag."""

    attribute: str
    hosts: tuple[str, ...] = ()
    folders: tuple[str, ...] = ()
    rules: tuple[Rule, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.hosts or self.folders or self.rules)

    def effects(self, *, deletes_rules: bool) -> list[str]:
        """Describe the changes of the users when their tags are removed."""
        lines = [f"host {name}" for name in self.hosts] + [f"folder {path}" for path in self.folders]
        for rule in self.rules:
            # Checkmk never deletes a rule with a negated condition.
            stays = not deletes_rules or _conditions(rule, "operator")[self.attribute] in ("is_not", "none_of")
            effect = "whose condition changes" if stays else "which is deleted"
            lines.append(f"rule {rule.id} of {rule.ruleset}, {effect}")
        return lines

    def __str__(self) -> str:
        rules = [f"{rule.id} of {rule.ruleset}" for rule in self.rules]
        kinds = {"hosts": self.hosts, "folders": self.folders, "rules": rules}
        return "; ".join(f"{kind} {summarize(names, _SHOWN)}" for kind, names in kinds.items() if names)


class HostAttributes(Resource):
    """The attributes that each site defines, as ``client.host_attributes``."""

    noun = "hosts"

    def read(self, host: Optional[str] = None, *, fresh: bool = False) -> SiteAttributes:
        """Return the tag groups of the site and, if the name of a ``host`` is given, its custom attributes.

        >>> cmk.host_attributes.read("web01").custom

        Any host will do. No version of the API up to 2.5 lists the custom attributes, but the effective attributes of
        each host contain all of them.

        Both answers come from the cache, unless ``fresh`` is True. A write of a tag group removes them from the cache.
        If the user lacks the permission to see tag groups, or cannot see the host, ``gaps`` says so.
        """
        groups, custom, gaps = None, None, []
        try:
            groups = read_tag_groups(self._site, fresh=fresh)
        except ForbiddenError as error:
            gaps.append(f"the tag groups are unknown, because the site refuses to list them ({error.title})")
        try:
            custom = None if host is None else self._custom(host, fresh)
        except (ForbiddenError, NotFoundError):
            gaps.append(f"the custom attributes are unknown, because the user cannot see the host {host!r}")
        return SiteAttributes(groups, custom, tuple(gaps))

    def used_by(self, attribute: str, values: Optional[Container[Any]] = None) -> AttributeUsers:
        """Return the hosts, folders and rules that use an attribute, or only those with one of the ``values``.

        >>> cmk.host_attributes.used_by("tag_environment", ["lab"]).hosts

        This reads all hosts and folders. For a tag, it also reads the rules of all rulesets in use. A rule that accepts
        several tags counts only without ``values``, because the site does not change it if one of them disappears.
        """

        def uses(attributes: Mapping[str, Any]) -> bool:
            value = attributes.get(attribute)
            return attribute in attributes and (values is None or (isinstance(value, str) and value in values))

        hosts = [found.name for found in Hosts(self._site).each() if uses(found.attributes)]
        folders = [found.path for found in Folders(self._site).each() if uses(found.attributes)]
        rules: list[Rule] = []
        listed = Rules(self._site, Rule)
        if attribute.startswith(TAG):
            for ruleset in Rulesets(self._site, Ruleset).containing():
                rules += (rule for rule in listed.each(ruleset=ruleset) if uses(_conditions(rule, "value")))
        return AttributeUsers(attribute, tuple(hosts), tuple(folders), tuple(rules))

    def _custom(self, host: str, fresh: bool) -> frozenset[str]:
        query = {"effective_attributes": True}
        found = self._record(Host.parse, "get", path={"name": host}, query=query, fresh=fresh)
        # Checkmk adds the default of each attribute (Folder.effective_attributes in cmk/gui/watolib). Its OpenAPI
        # document names no custom attributes, and only 3.0 lists them (werk 17867).
        names = (found.effective_attributes or {}).keys() - BUILT_IN - _OTHERS
        return frozenset(name for name in names if not name.startswith(TAG))


def _conditions(rule: Rule, part: str) -> dict[str, Any]:
    """Return the operators or the values of a rule's conditions on tags, by attribute."""
    try:
        return {f"{TAG}{found['key']}": found[part] for found in (rule.conditions or {}).get("host_tags", ())}
    except MALFORMED as error:
        raise UnexpectedReplyError(f"the conditions of the rule {rule.id} cannot be read: {error!r}") from None
