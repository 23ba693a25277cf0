"""Creates, changes and deletes single objects. All nouns of the configuration share this code."""

from __future__ import annotations

from typing import Any, Callable, ClassVar, Mapping, Optional, Protocol, Sequence, TypeVar

from .. import errors
from ..core.arguments import require_string
from ..core.call import clean_etag, require_etag
from .ensured import Ensured
from .resource import Listing, writes
from .settling import settle


class Keyed(Protocol):
    """A record of an object with a key."""

    @property
    def key_value(self) -> str: ...

    @property
    def etag(self) -> Optional[str]: ...


T = TypeVar("T", bound=Keyed)
F = TypeVar("F")
S = TypeVar("S", bound="Editable[Any]")
Values = Mapping[str, Any]

TRIES = 5


class Editable(Listing[T]):
    """The base class of nouns whose objects can be created, changed and deleted.

    ``_key`` is the name of the key in messages and in the items of callers, and ``_wire_key`` its name in requests.
    After a lost answer, a copy of this noun with a time limit reads the object.
    """

    _key: str
    _setters: ClassVar[Values] = {}  # the verbs that set a value, except "update"
    _parse: Callable[..., T]

    def get(self, name: str, *, fresh: bool = False) -> T:
        """Return one object with its ETag. ``fresh`` bypasses the cache. Raises NotFoundError if it does not exist."""
        return self._record(self._parse, "get", path=self._path(name), fresh=fresh)

    def find(self, name: str, /, *, fresh: bool = False) -> Optional[T]:
        """Return one object, or None if it does not exist."""
        try:
            return self.get(name, fresh=fresh)
        except errors.NotFoundError:
            return None

    @writes
    def delete(self, name: str, *, missing_ok: bool = False) -> None:
        """Delete an object. Raises NotFoundError if it does not exist, unless ``missing_ok`` is True.

        The client reads the object first, because its absence afterwards proves the deletion only if it existed before.
        """
        self._delete(name, missing_ok)

    @property
    def _wire_key(self) -> str:
        raise NotImplementedError

    def _parse_all(self, items: list[Any]) -> list[T]:
        return list(map(self._parse, items))

    def _path(self, name: str) -> dict[str, str]:
        """Return the parameters of the path of an object."""
        return {"key": self._require_key(name)}

    def _require_key(self, key: object) -> str:
        if not require_string(key, self._key):
            raise ValueError(f"{self._key} must not be empty")
        return str(key)

    def _creation_body(self, record: T, /) -> Values:
        """Return the body that creates an object. Raises ValueError if it cannot be created."""
        raise NotImplementedError

    def _creation_verb(self, _record: T, /) -> str:
        return "create"

    def _is_created(self, found: T, wanted: T, /) -> bool:
        """Return True if the object found on the site has the values of the wanted one. It may have existed before."""
        raise NotImplementedError

    def _has_secrets(self, _record: T, /) -> bool:
        """Return True if the object has values that sites do not return."""
        return False

    def _create(self: S, record: T, *, was_absent: bool = False) -> T:
        """Create an object and return it. It is read first, unless the caller knows that it ``was_absent``.

        Finding the object after a lost answer proves the creation only if it was absent before, and if no other call
        of this client creates it too. If it has secrets, the outcome of a refusal that can mean "already exists" stays
        unknown.
        """
        name, body = record.key_value, self._creation_body(record)
        with self._site.creation_claims.claim(self.noun, (name,)) as claim:
            was_absent = was_absent or self._is_absent(name)
            try:
                verb = self._creation_verb(record)
                return self._record(self._parse, verb, body=body, object_names=(name,))  # type: ignore[no-any-return]
            except errors.CheckmkError as error:
                if not was_absent or name not in claim:
                    raise
                if isinstance(error, errors.BadRequestError) and not _is_about(self._wire_key, error):
                    raise
                created: T = self._settle(
                    error,
                    lambda there: there._find_if(name, lambda found: there._is_created(found, record)),
                    errors.BadRequestError,
                )
                if name not in claim:  # another call has claimed the object during the search
                    raise
                if self._has_secrets(record) and isinstance(error, errors.BadRequestError):
                    raise error.with_attempted(delivery=errors.Delivery.UNKNOWN) from error.__cause__
                return created

    def _ensure(
        self, key: str, given: Values, check: bool, wanted: Callable[[], T], *, sends_all: bool = False
    ) -> Ensured[T]:
        """Create the object ``wanted()``, or change it if one of the ``given`` values differs.

        With ``sends_all``, values that cannot be compared are sent, too.
        """
        before = self.find(key, fresh=True)
        if before is None:
            record = wanted()
            after = self._with_values(record, {}) if check else self._create_missing(record)
            return Ensured(
                None, after, ("create",), {name: (None, value) for name, value in self._values(record).items()}
            )
        names = dict.fromkeys(self._differing(before, given))
        hidden = [name for name in self._not_shown(before, given) if name not in names]
        names.update(dict.fromkeys(hidden if sends_all else ()))
        changes = {name: given[name] for name in names}
        sent = self._to_set(changes, given) if changes else {}
        not_compared = tuple(name for name in hidden if name not in sent)
        if not changes:
            return Ensured(before, before, not_compared=not_compared)
        after = self._with_values(before, changes) if check else self._set_values(key, sent)
        now = self._values(before)
        differences = {name: (now.get(name), value) for name, value in changes.items()}
        verbs = dict.fromkeys(self._setters.get(name, "update") for name in changes)
        return Ensured(before, after, tuple(verbs), differences, not_compared)

    def _create_missing(self, wanted: T, /) -> T:
        """Create an object that a read has just not found."""
        return self._create(wanted, was_absent=True)

    def _values(self, record: T, /) -> Values:
        """Return the values that can be set and are set, by name."""
        raise NotImplementedError

    def _differing(self, before: T, values: Values, /) -> Sequence[str]:
        """Return the names of the ``values`` that an update of the object has to set."""
        raise NotImplementedError

    def _not_shown(self, _before: T, _values: Values, /) -> Sequence[str]:
        """Return the names of the ``values`` that cannot be compared with the object."""
        return ()

    def _to_set(self, changes: Values, _given: Values, /) -> Values:
        """Return the values that are set if ``changes`` out of the ``given`` values are necessary."""
        return changes

    def _with_values(self, record: T, values: Values, /) -> T:
        """Return the object as the site would return it after the ``values`` have been set."""
        raise NotImplementedError

    def _set_values(self, key: str, values: Values, /) -> T:
        """Set values of an object, and return the changed object."""
        raise NotImplementedError

    def _is_absent(self, name: str) -> bool:
        try:
            return self.find(name, fresh=True) is None
        except (errors.BadRequestError, errors.ForbiddenError):
            return False  # the write that follows raises the more helpful error

    def _change(
        self: S,
        name: str,
        verb: str,
        body_for: Callable[[T], Values],
        is_changed: Callable[[S, T, Values, T], bool],
        *,
        etag: Optional[str] = None,
        refusals: Callable[[Values], Sequence[type[errors.ApiError]]] = lambda _body: (),
        name_after: Callable[[T], str] = lambda before: before.key_value,
        parse: Optional[Callable[[Any, Optional[str]], T]] = None,
    ) -> T:
        """Send ``body_for(object)`` and return the object afterwards. Nothing is sent if the body is empty.

        The arguments of ``is_changed`` are a copy of this noun with a time limit, the object as found after a lost
        answer, the body, and the object before the change. It returns True if the object proves the change.

        ``refusals`` returns the errors that can also answer the second copy of a request that a web server has sent
        twice. ``name_after`` returns the name of the object after the change.

        If another user has changed the object since it was read (412), it is read again and the change is repeated.
        With an ``etag`` of the caller, nothing is repeated, because the change applies to that state only.
        """
        if etag is not None:
            require_etag(etag)
            if not self._site.require_operation(self.noun, verb).if_match:
                raise ValueError(f"'{self.noun} {verb}' does not accept an ETag, so the site would ignore it")

        def write() -> T:
            before: T = self.get(name, fresh=True)
            _refuse_stale(etag, before)
            body = body_for(before)
            if not body:
                return before
            new_name = name_after(before)
            request = dict(path=self._path(name), body=body, etag=etag or before.etag or "*", object_names=(new_name,))
            try:
                return self._record(parse or self._parse, verb, **request)  # type: ignore[no-any-return]
            except errors.CheckmkError as error:
                changed: T = self._settle(
                    error,
                    lambda there: there._find_if(new_name, lambda found: is_changed(there, found, body, before)),
                    errors.PreconditionError,
                    *refusals(body),
                )
                return changed

        return write() if etag is not None else _repeat_if_stale(write)

    def _delete(self, name: str, missing_ok: bool, query: Optional[Values] = None) -> None:
        def delete() -> None:
            seen = self.find(name, fresh=True)
            try:
                self._site.creation_claims.discard(self.noun, seen.key_value if seen else name)
                etag = seen.etag if seen else None
                self._perform("delete", path=self._path(name), query=query, etag=etag or "*", object_names=(name,))
                if seen is None and not missing_ok:
                    self.get(name)  # CHECKMK_API_MORE: the deletion of a notification rule that does not exist succeeds
            except errors.CheckmkError as error:
                if seen is None and missing_ok and isinstance(error, errors.NotFoundError):
                    return
                # If the object was read, a 404 can mean that it cannot be deleted, such as a built-in auxiliary tag.
                refusals = () if seen is None else (errors.NotFoundError,)
                self._settle(
                    error, lambda there: (seen is not None and there.find(name, fresh=True) is None) or None, *refusals
                )

        _repeat_if_stale(delete)

    def _find_if(self, name: str, is_applied: Callable[[T], bool]) -> Optional[T]:
        found = self.find(name, fresh=True)
        return found if found is not None and is_applied(found) else None

    def _settle(
        self: S, error: errors.CheckmkError, find_applied: Callable[[S], Optional[F]], *refusals: type[errors.ApiError]
    ) -> F:
        """Settle a failed write with :func:`settle`. ``find_applied`` gets a copy of this noun with a time limit."""
        return settle(self._site, error, lambda site: find_applied(self._with_site(site)), refusals=refusals)


def _repeat_if_stale(write: Callable[[], F]) -> F:
    """Return the result of ``write``, which is called again after a 412, up to :data:`TRIES` times."""
    for _ in range(TRIES - 1):
        try:
            return write()
        except errors.PreconditionError:
            continue
    return write()


def _refuse_stale(etag: Optional[str], before: Keyed) -> None:
    # The site would answer with the same error. But then the client could not tell it from the answer to the second
    # copy of a request, if the object already has the new values.
    if etag not in (None, "*") and before.etag is not None and clean_etag(str(etag)) != before.etag:
        attempted = errors.Attempted(errors.Delivery.NOTHING_DONE, is_read=False)
        raise errors.PreconditionError(412, "the object has changed since its ETag was read", attempted=attempted)


def _is_about(field: str, error: errors.ApiError) -> bool:
    return not error.fields or any(path.partition(".")[0] == field for path in error.fields)
