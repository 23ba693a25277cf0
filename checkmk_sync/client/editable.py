"""Changes and deletes single objects. Hosts and folders share this code."""

from __future__ import annotations

from typing import Any, Callable, Generic, Optional, TypeVar

from ..core.call import require_etag
from ..errors import ApiError, BadRequestError, CheckmkError, NotFoundError, PreconditionError
from .claims import Claim
from .resource import Resource
from .settling import settle

__all__ = ["Editable"]

T = TypeVar("T")
F = TypeVar("F")
S = TypeVar("S", bound="Editable[Any]")

TRIES = 5


class Editable(Resource, Generic[T]):
    """The base class of nouns with ETags. Checkmk requires the ETag of an object in every change."""

    def find(self, name: str, /, *, fresh: bool = False) -> Optional[T]:
        """Return one object, or None if it does not exist."""
        raise NotImplementedError

    def get(self, name: str, /, *, fresh: bool = False) -> T:
        """Return one object with its ETag. Raises NotFoundError if it does not exist."""
        raise NotImplementedError

    def _read_and_write(self, name: str, write: Callable[[T], T], etag: Optional[str] = None) -> T:
        """Read the object and return ``write(object)``. Repeat both if another user has changed it in between (412).

        If the caller gives an ``etag``, nothing is repeated, because the change applies to that state only.
        """
        if etag is not None:
            require_etag(etag)
        for _ in range(TRIES - 1):
            before = self.get(name, fresh=True)
            try:
                return write(before)
            except PreconditionError:
                if etag is not None:
                    raise
        return write(self.get(name, fresh=True))

    def _delete(self, name: str, missing_ok: bool, key: str, **arguments: Any) -> None:
        """Delete an object after reading it, because its absence proves the deletion only if it existed before."""
        was_seen = self.find(name, fresh=True) is not None
        try:
            self._site.creation_claims.discard(self.noun, key)
            # Some kinds of objects need an ETag to be deleted. Any state is deleted, so that it need not be read again.
            self._perform("delete", etag="*", **arguments)
        except NotFoundError:
            if not (missing_ok or was_seen):
                raise
        except CheckmkError as error:
            self._settle(error, lambda there: (was_seen and there.find(name, fresh=True) is None) or None)

    def _settle(self: S, error: CheckmkError, find_applied: Callable[[S], Optional[F]], *refusals: type[ApiError]) -> F:
        """Settle a failed write with :func:`settle`. ``find_applied`` gets a copy of this noun with a time limit."""
        return settle(self._site, error, lambda site: find_applied(self._with_site(site)), refusals=refusals)

    def _settle_creation(
        self: S, error: CheckmkError, name: str, claim: Claim, find_created: Callable[[S], Optional[F]]
    ) -> F:
        """Settle the failed creation of an object that was absent before.

        If another call of this client creates the same object, finding it proves nothing, and the error is raised.
        """

        def find_ours(there: S) -> Optional[F]:
            found = find_created(there)
            if found is not None and name not in claim:
                raise error
            return found

        return self._settle(error, find_ours, BadRequestError)
