"""The differences between Checkmk versions and editions that the simulated site reproduces."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..catalogue.versions import CheckmkVersion

__all__ = ["VersionProfile"]

# Editions have three-letter names up to 2.4, and words from 2.5 on.
_SHORT_EDITIONS = {"raw": "cre", "community": "cre", "commercial": "cee", "enterprise": "cee", "pro": "cee"}
_SHORT_EDITIONS.update({"cloud": "cce", "ultimate": "cce", "managed": "cme", "ultimatemt": "cme", "saas": "cse"})
_LONG_EDITIONS = {"cre": "community", "cee": "pro", "cce": "ultimate", "cme": "ultimatemt", "cse": "cloud"}


class _Since:
    """A descriptor that is True for sites of this version or a later one."""

    def __init__(self, version: str) -> None:
        self._version = version

    def __get__(self, profile: VersionProfile, _owner: Any) -> bool:
        return profile.version.at_least(self._version)


class _Before(_Since):
    """A descriptor that is True for sites of an earlier version."""

    def __get__(self, profile: VersionProfile, _owner: Any) -> bool:
        return not profile.version.at_least(self._version)


@dataclass(frozen=True)
class VersionProfile:
    """A version, an edition, and the features that follow from them."""

    version: CheckmkVersion
    edition: str

    activates_with_etag = _Since("2.2.0p3")
    # One call may set, update and remove attributes.
    takes_changes_together = _Before("2.2.0p7")
    has_delete_mode = _Since("2.2.0p26")
    # Keys and values of labels must not contain a colon.
    checks_labels = _Since("2.3.0b1")
    takes_empty_addresses = _Since("2.3.0b1")
    renames_in_background = _Since("2.3.0b1")
    links_by_default = _Before("2.3.0b1")
    has_host_status_post = _Since("2.3.0p23")
    has_service_status_post = _Since("2.3.0p31")
    # Bulk discovery redirects to a job, and several jobs may run at the same time.
    has_background_jobs = _Since("2.4.0b1")
    status_per_site = _Since("2.4.0b1")
    # ``effective_attributes`` is null, not absent, if the request does not select it.
    effective_null = _Before("2.4.0b1")
    sends_absolute_locations = _Before("2.4.0b1")
    # The 404 for an unknown job or activation has only a title.
    missing_jobs_have_no_detail = _Before("2.4.0b1")
    has_status_get = _Before("2.5.0b1")
    # The list of pending changes has an ``id``.
    names_pending_changes = _Before("2.5.0b1")
    refuses_body_on_get = _Since("2.5.0b1")
    # The answer contains the collection's ``domainType``, whatever ``fields`` selects.
    keeps_domain_type = _Since("2.5.0b1")

    @classmethod
    def of(cls, version: str, edition: str) -> VersionProfile:
        """Return the profile of a version and of an edition, which may have any of its names.

        Raises ValueError for a version before 2.2 or an unknown edition.
        """
        parsed = CheckmkVersion.parse(version)
        if not parsed.at_least("2.2.0"):
            raise ValueError(f"Checkmk {version} is not simulated; use 2.2, 2.3, 2.4 or 2.5")
        short = edition if edition in _LONG_EDITIONS else _SHORT_EDITIONS.get(edition)
        if short is None:
            raise ValueError(
                f"unknown edition {edition!r}; use one of {', '.join(sorted({*_LONG_EDITIONS, *_SHORT_EDITIONS}))}"
            )
        return cls(parsed, _LONG_EDITIONS[short] if parsed.at_least("2.5.0b1") else short)

    @property
    def is_commercial(self) -> bool:
        return self.edition not in ("cre", "community")

    @property
    def has_customers(self) -> bool:
        return self.edition in ("cme", "ultimatemt")

    @property
    def redirect_status(self) -> int:
        """The status of a redirect to a started job."""
        return 303 if self.version.at_least("2.4.0b1") else 302

    @property
    def host_list_query(self) -> tuple[str, ...]:
        if self.version.at_least("2.4.0b1"):
            return ("effective_attributes", "include_links", "fields", "hostnames", "site")
        return ("effective_attributes", "include_links")[: 2 if self.version.at_least("2.3.0b1") else 1]

    @property
    def bulk_discovery_fields(self) -> tuple[str, ...]:
        if self.version.at_least("2.4.0b1"):
            return ("options",)
        return ("options", "mode") if self.version.at_least("2.3.0b1") else ("mode",)

    @property
    def discovery_options(self) -> tuple[str, ...]:
        known = [
            "monitor_undecided_services",
            "remove_vanished_services",
            "update_host_labels",
            "update_service_labels",
        ]
        return (*known, "update_service_parameters") if self.version.at_least("2.4.0b1") else tuple(known)

    @property
    def discovery_modes(self) -> tuple[str, ...]:
        known = ("new", "remove", "fix_all", "refresh", "only_host_labels", "tabula_rasa")
        return (*known, "only_service_labels") if self.version.at_least("2.3.0p3") else known

    @property
    def unknown_columns(self) -> frozenset[str]:
        """The monitoring columns that only later versions have."""
        later = {"performance_data", "host_performance_data", "prediction_files"}
        return frozenset(set() if self.version.at_least("2.3.0b1") else later)

    @property
    def api_versions(self) -> tuple[str, ...]:
        """The API versions that a URL may contain, or an empty tuple if the site does not check the version."""
        return ("1.0", "v1", "unstable", "internal") if self.version.at_least("2.5.0b1") else ()

    @property
    def first_character_of_host_names(self) -> str:
        """A regular expression for the first character of new host names, and of names in place of an address."""
        return r"[0-9a-zA-Z_]" if self.version.at_least("2.3.0b1") else r"[-0-9a-zA-Z_.]"

    @property
    def optional_host_attributes(self) -> frozenset[str]:
        """The host attributes of this version and edition that others lack."""
        names = {
            "waiting_for_discovery": self.version.at_least("2.4.0b1"),
            "bake_agent_package": self.is_commercial,
            "cmk_agent_connection": self.edition in ("cce", "cme", "cse", "ultimate", "ultimatemt", "cloud"),
        }
        return frozenset(name for name, is_known in names.items() if is_known)
