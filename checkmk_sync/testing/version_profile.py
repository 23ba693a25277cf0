"""The differences between Checkmk versions and editions that the simulated site reproduces."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

from ..catalogue.versions import CheckmkVersion

# Editions have three-letter names up to 2.4, and words from 2.5 on.
_SHORT_EDITIONS = {"raw": "cre", "community": "cre", "commercial": "cee", "enterprise": "cee", "pro": "cee"}
_SHORT_EDITIONS.update({"cloud": "cce", "ultimate": "cce", "managed": "cme", "ultimatemt": "cme", "saas": "cse"})
_LONG_EDITIONS = {"cre": "community", "cee": "pro", "cce": "ultimate", "cme": "ultimatemt", "cse": "cloud"}
_BULK_FIELDS = ("hostnames", "do_full_scan", "bulk_size", "ignore_errors")
_DISCOVERY_MODES = ("new", "remove", "fix_all", "refresh", "only_host_labels", "tabula_rasa")
_DISCOVERY_OPTIONS = (
    "monitor_undecided_services",
    "remove_vanished_services",
    "update_host_labels",
    "update_service_labels",
)

T = TypeVar("T")


class _Value(Generic[T]):
    """A descriptor that selects a value by the version of the site. Each of ``later`` applies from its version on."""

    def __init__(self, first: T, *later: tuple[str, T]) -> None:
        self._first, self._later = first, later

    def __get__(self, profile: VersionProfile, _owner: object) -> T:
        values = [self._first, *(value for version, value in self._later if profile.version.at_least(version))]
        return values[-1]


def _since(version: str) -> _Value[bool]:
    return _Value(False, (version, True))


def _before(version: str) -> _Value[bool]:
    return _Value(True, (version, False))


@dataclass(frozen=True)
class VersionProfile:
    """A version, an edition, and the features that follow from them."""

    version: CheckmkVersion
    edition: str

    activates_with_etag = _since("2.2.0p3")
    # One call may set, update and remove attributes.
    takes_changes_together = _before("2.2.0p7")
    # Keys and values of labels must not contain a colon.
    checks_labels = _since("2.3.0b1")
    takes_empty_addresses = _since("2.3.0b1")
    renames_in_background = _since("2.3.0b1")
    links_by_default = _before("2.3.0b1")
    # Bulk discovery redirects to a job, and several jobs may run at the same time.
    has_background_jobs = _since("2.4.0b1")
    status_per_site = _since("2.4.0b1")
    # ``effective_attributes`` is null, not absent, if the request does not select it.
    effective_null = _before("2.4.0b1")
    sends_absolute_locations = _before("2.4.0b1")
    # The 404 for an unknown job or activation has only a title.
    missing_jobs_have_no_detail = _before("2.4.0b1")
    # The list of pending changes has an ``id``.
    names_pending_changes = _before("2.5.0b1")
    # Downtimes contain booleans instead of "yes" and "no".
    downtimes_have_booleans = _since("2.4.0b1")
    shows_downtime_mode = _Value(False, ("2.3.0p36", True), ("2.4.0b1", False), ("2.4.0p11", True))
    refuses_body_on_get = _since("2.5.0b1")
    # The answer contains the collection's ``domainType``, whatever ``fields`` selects.
    keeps_domain_type = _since("2.5.0b1")
    # The status of a redirect to a started job.
    redirect_status = _Value(302, ("2.4.0b1", 303))
    bulk_discovery_fields = _Value(
        (*_BULK_FIELDS, "mode"),
        ("2.3.0b1", (*_BULK_FIELDS, "mode", "options")),
        ("2.4.0b1", (*_BULK_FIELDS, "options")),
    )
    discovery_options = _Value(_DISCOVERY_OPTIONS, ("2.4.0b1", (*_DISCOVERY_OPTIONS, "update_service_parameters")))
    discovery_modes = _Value(_DISCOVERY_MODES, ("2.3.0p3", (*_DISCOVERY_MODES, "only_service_labels")))
    # The monitoring columns that only later versions have.
    unknown_columns = _Value({"performance_data", "host_performance_data", "prediction_files"}, ("2.3.0b1", set()))
    # The API versions that a URL may contain. Earlier sites do not check the version.
    api_versions = _Value((), ("2.5.0b1", ("1.0", "v1", "unstable", "internal")))
    # The first character of new host names, and of names in place of an address.
    first_character_of_host_names = _Value(r"[-0-9a-zA-Z_.]", ("2.3.0b1", r"[0-9a-zA-Z_]"))

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
    def can_push(self) -> bool:
        """Return True if agents can push data to the site."""
        return self.edition in ("cce", "cme", "cse", "ultimate", "ultimatemt", "cloud")
