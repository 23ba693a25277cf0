"""Creates, changes and deletes single objects. All nouns of the configuration share this code."""

from __future__ import annotations

from typing import Any, Callable, Generic, Mapping, Optional, Sequence, TypeVar

from ..core.call import clean_etag, require_etag
from ..errors import (
    ApiError,
    Attempted,
    BadRequestError,
    CheckmkError,
    Delivery,
    NotFoundError,
    PreconditionError,
)
from .resource import Resource
from .settling import settle

__all__ = ["Editable"]

T = TypeVar("T")
F = TypeVar("F")
S = TypeVar("S", bound="Editable[Any]")
Body = Mapping[str, Any]

TRIES = 5


class Editable(Resource, Generic[T]):
    """The base class of nouns whose objects can be created, changed and deleted.

    After a lost answer, the object is read with a copy of this noun that has a time limit. ``is_created`` and
    ``is_changed`` get that copy and the object, and return True if the object proves the write.
    """

    _parse: Callable[[Any, Optional[str]], T]

    def find(self, name: str, /, *, fresh: bool = False) -> Optional[T]:
        """Return one object, or None if it does not exist."""
        try:
            return self.get(name, fresh=fresh)
        except NotFoundError:
            return None

    def get(self, name: str, /, *, fresh: bool = False) -> T:
        """Return one object with its ETag. Raises NotFoundError if it does not exist."""
        raise NotImplementedError

    def _path(self, name: str) -> dict[str, str]:
        """Return the parameters of the path of an object."""
        raise NotImplementedError

    def _create(
        self: S,
        name: str,
        body: Body,
        is_created: Callable[[S, T], bool],
        *,
        was_absent: bool = False,
        refused_field: str = "",
        has_secrets: bool = False,
    ) -> T:
        """Create an object that is absent, and return it. Unless ``was_absent``, the object is read first.

        Finding the object after a lost answer proves the creation only if it was absent before, and if no other call
        of this client creates it too. With ``refused_field``, only refusals of that field can mean "already exists".
        With ``has_secrets``, the outcome of such a refusal stays unknown, because sites do not return secrets.
        """
        with self._site.creation_claims.claim(self.noun, (name,)) as claim:
            was_absent = was_absent or self._is_absent("get", self._path(name))
            try:
                return self._record(self._parse, "create", body=body, object_names=(name,))  # type: ignore[no-any-return]
            except CheckmkError as error:
                if not was_absent or name not in claim:
                    raise
                if isinstance(error, BadRequestError) and refused_field and not _is_about(refused_field, error):
                    raise
                created: T = self._settle(error, lambda there: there._find_if(name, is_created), BadRequestError)
                if name not in claim:  # another call has claimed the object during the search
                    raise
                if has_secrets and isinstance(error, BadRequestError):
                    raise error.with_attempted(delivery=Delivery.UNKNOWN) from error.__cause__
                return created

    def _change(
        self: S,
        name: str,
        verb: str,
        body_for: Callable[[T], Body],
        is_changed: Callable[[S, T, Body, T], bool],
        *,
        etag: Optional[str] = None,
        refusals: Callable[[Body], Sequence[type[ApiError]]] = lambda _body: (),
        name_after: Callable[[T], str] = lambda _before: "",
        parse: Optional[Callable[[Any, Optional[str]], T]] = None,
    ) -> T:
        """Send ``body_for(object)`` and return the object afterwards. Nothing is sent if the body is empty.

        The last arguments of ``is_changed`` are the body and the object before the change.

        ``refusals`` returns the errors that can also answer the second copy of a request that a web server has sent
        twice. ``name_after`` returns the name of the object after the change.

        If another user has changed the object since it was read (412), it is read again and the change is repeated.
        With an ``etag`` of the caller nothing is repeated, because the change applies to that state only.
        """
        if etag is not None:
            require_etag(etag)
            if not self._site.require_operation(self.noun, verb).if_match:
                raise ValueError(f"'{self.noun} {verb}' does not accept an ETag, so the site would ignore it")

        def write() -> T:
            before = self.get(name, fresh=True)
            _refuse_stale(etag, before)
            body = body_for(before)
            if not body:
                return before  # type: ignore[no-any-return]
            new_name = name_after(before) or name
            request = dict(path=self._path(name), body=body, etag=etag or before.etag or "*", object_names=(new_name,))
            try:
                return self._record(parse or self._parse, verb, **request)  # type: ignore[no-any-return]
            except CheckmkError as error:
                changed: T = self._settle(
                    error,
                    lambda there: there._find_if(new_name, lambda _, found: is_changed(there, found, body, before)),
                    PreconditionError,
                    *refusals(body),
                )
                return changed

        return write() if etag is not None else _repeat_if_stale(write)

    def _delete(self, name: str, missing_ok: bool, *, query: Optional[Body] = None, key: str = "") -> None:
        """Delete an object after reading it, because its absence proves the deletion only if it existed before."""

        def delete() -> None:
            seen = self.find(name, fresh=True)
            try:
                self._site.creation_claims.discard(self.noun, key or name)
                etag = getattr(seen, "etag", None) or "*"
                self._perform("delete", path=self._path(name), query=query, etag=etag, object_names=(name,))
            except CheckmkError as error:
                if seen is None and isinstance(error, NotFoundError):
                    if missing_ok:
                        return
                    raise
                # Checkmk also answers 404 to the deletion of a built-in object, which stays.
                self._settle(
                    error,
                    lambda there: (seen is not None and there.find(name, fresh=True) is None) or None,
                    NotFoundError,
                )

        _repeat_if_stale(delete)

    def _find_if(self: S, name: str, is_applied: Callable[[S, T], bool]) -> Optional[T]:
        found = self.find(name, fresh=True)
        return found if found is not None and is_applied(self, found) else None

    def _settle(self: S, error: CheckmkError, find_applied: Callable[[S], Optional[F]], *refusals: type[ApiError]) -> F:
        """Settle a failed write with :func:`settle`. ``find_applied`` gets a copy of this noun with a time limit."""
        return settle(self._site, error, lambda site: find_applied(self._with_site(site)), refusals=refusals)


def _repeat_if_stale(write: Callable[[], F]) -> F:
    """Return the result of ``write``, which is called again after a 412, up to :data:`TRIES` times."""
    for _ in range(TRIES - 1):
        try:
            return write()
        except PreconditionError:
            continue
    return write()


def _refuse_stale(etag: Optional[str], before: Any) -> None:
    # The site would answer with the same error. But then the client could not tell it from the answer to the second
    # copy of a request, if the object already has the new values.
    if etag not in (None, "*") and before.etag is not None and clean_etag(str(etag)) != before.etag:
        attempted = Attempted(Delivery.NOTHING_DONE, is_read=False)
        raise PreconditionError(412, "the object has changed since its ETag was read", attempted=attempted)


def _is_about(field: str, error: ApiError) -> bool:
    return not error.fields or any(path.partition(".")[0] == field for path in error.fields)
