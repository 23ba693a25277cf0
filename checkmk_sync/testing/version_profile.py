"""What differs between the versions and editions of Checkmk, as far as the simulated site shows it."""

from __future__ import annotations

import functools
from dataclasses import dataclass

from ..catalogue.versions import CheckmkVersion

__all__ = ["VersionProfile"]

# Up to 2.4 the editions have three-letter names, from 2.5 on words.
_OLD = {"raw": "cre", "community": "cre", "commercial": "cee", "enterprise": "cee", "pro": "cee"}
_OLD.update({"cloud": "cce", "ultimate": "cce", "managed": "cme", "ultimatemt": "cme", "saas": "cse"})
_NEW = {"cre": "community", "cee": "pro", "cce": "ultimate", "cme": "ultimatemt", "cse": "cloud"}


@dataclass(frozen=True)
class VersionProfile:
    """A version and an edition (by any of its names) and what follows from them."""

    version: CheckmkVersion
    edition: str

    @classmethod
    def of(cls, version: str, edition: str) -> VersionProfile:
        """ValueError for a version before 2.2 or an unknown edition."""
        parsed = CheckmkVersion.parse(version)
        if not parsed.at_least("2.2.0"):
            raise ValueError(f"Checkmk {version} is not simulated; 2.2, 2.3, 2.4 and 2.5 are")
        short = edition if edition in _NEW else _OLD.get(edition)
        if short is None:
            raise ValueError(f"{edition!r} is no edition: {', '.join(sorted({*_NEW, *_OLD}))}")
        return cls(parsed, _NEW[short] if parsed.at_least("2.5.0b1") else short)

    @property
    def is_commercial(self) -> bool:
        return self.edition not in ("cre", "community")

    @property
    def version_text(self) -> str:
        """As the site names it, with the edition behind it."""
        return f"{self.version}.{self.edition}"

    def _since(self, text: str) -> bool:
        return self.version.at_least(text)

    @property
    def redirect_status(self) -> int:
        """Of answers that say where a started job can be watched."""
        return 303 if self._since("2.4.0b1") else 302

    @property
    def host_list_query(self) -> tuple[str, ...]:
        if self._since("2.4.0b1"):
            return ("effective_attributes", "include_links", "fields", "hostnames", "site")
        return ("effective_attributes", "include_links") if self._since("2.3.0b1") else ("effective_attributes",)

    @property
    def links_by_default(self) -> bool:
        return not self._since("2.3.0b1")

    @functools.cached_property
    def effective_null(self) -> bool:
        """Whether ``effective_attributes`` is null, not absent, when it was not asked for."""
        return not self._since("2.4.0b1")

    @property
    def has_status_get(self) -> bool:
        return not self._since("2.5.0b1")

    @property
    def has_host_status_post(self) -> bool:
        return self._since("2.3.0p23")

    @property
    def has_service_status_post(self) -> bool:
        return self._since("2.3.0p31")

    @property
    def has_background_jobs(self) -> bool:
        """Bulk discovery answers with a redirect to a job, of which there may be several."""
        return self._since("2.4.0b1")

    @property
    def renames_in_background(self) -> bool:
        return self._since("2.3.0b1")

    @property
    def bulk_discovery_fields(self) -> tuple[str, ...]:
        if self._since("2.4.0b1"):
            return ("options",)
        return ("options", "mode") if self._since("2.3.0b1") else ("mode",)

    @property
    def discovery_options(self) -> tuple[str, ...]:
        known = (
            "monitor_undecided_services",
            "remove_vanished_services",
            "update_host_labels",
            "update_service_labels",
        )
        return (*known, "update_service_parameters") if self._since("2.4.0b1") else known

    @property
    def discovery_modes(self) -> tuple[str, ...]:
        known = ("new", "remove", "fix_all", "refresh", "only_host_labels", "tabula_rasa")
        return (*known, "only_service_labels") if self._since("2.3.0p3") else known

    @property
    def unknown_columns(self) -> frozenset[str]:
        """Columns of the monitoring that came later."""
        if self._since("2.3.0b1"):
            return frozenset()
        return frozenset({"performance_data", "host_performance_data", "prediction_files"})

    @property
    def names_pending_changes(self) -> bool:
        """Whether the list of pending changes has an ``id``."""
        return not self._since("2.5.0b1")

    @property
    def has_delete_mode(self) -> bool:
        return self._since("2.2.0p26")

    @property
    def takes_changes_together(self) -> bool:
        """Whether one call may set, update and remove attributes."""
        return not self._since("2.2.0p7")

    @property
    def activates_with_etag(self) -> bool:
        return self._since("2.2.0p3")

    @property
    def status_per_site(self) -> bool:
        return self._since("2.4.0b1")

    @property
    def refuses_body_on_get(self) -> bool:
        return self._since("2.5.0b1")

    @property
    def checks_labels(self) -> bool:
        """Whether keys and values of labels must not hold a colon."""
        return self._since("2.3.0b1")

    @property
    def api_versions(self) -> tuple[str, ...]:
        """Up to 2.4 the segment is not looked at; then the tuple is empty."""
        return ("1.0", "v1", "unstable", "internal") if self._since("2.5.0b1") else ()

    @property
    def keeps_domain_type(self) -> bool:
        """Whether ``fields`` leaves the collection's ``domainType`` in the answer."""
        return self._since("2.5.0b1")

    @property
    def host_name_begins(self) -> str:
        """How the names of new hosts and names that stand for an address begin, as a regular expression."""
        return r"[0-9a-zA-Z_]" if self._since("2.3.0b1") else r"[-0-9a-zA-Z_.]"

    @property
    def takes_empty_addresses(self) -> bool:
        return self._since("2.3.0b1")

    @property
    def sends_absolute_locations(self) -> bool:
        return not self._since("2.4.0b1")

    @property
    def missing_jobs_have_no_detail(self) -> bool:
        """Up to 2.3 the 404 for an unknown job or activation has a title only."""
        return not self._since("2.4.0b1")

    @property
    def host_attributes(self) -> frozenset[str]:
        """Attributes that only some versions and editions have."""
        extra = {"waiting_for_discovery"} if self._since("2.4.0b1") else set()
        if self.is_commercial:
            extra |= {"bake_agent_package"}
        if self.edition in ("cce", "cme", "cse", "ultimate", "ultimatemt", "cloud"):
            extra |= {"cmk_agent_connection"}
        return frozenset(extra)
