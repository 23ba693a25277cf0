"""Creates objects with keys that the site chooses, such as rules."""

from __future__ import annotations

import json
from typing import Any, Iterable, Optional, Union

from ..errors import CheckmkError, ServerError
from .collection import Collection, R
from .editable import Values
from .ensured import Ensured
from .resource import writes


class AssignedKeys(Collection[R]):
    """The objects of a kind with keys that the site chooses.

    A new object is given as a record or by its fields, without a key:

    >>> rule = cmk.rules.create(ruleset="checkgroup_parameters:filesystem", folder="/", value={"levels": (80.0, 90.0)})
    >>> cmk.rules.update(rule.id, disabled=True)

    If the answer to a creation is lost, the client reads the list. The creation is proven if the list contains exactly
    one new object, and this object has the values that were sent. Therefore the client also reads the list before each
    creation. It cannot tell its object from an equal one that another user creates at the same moment.
    """

    @writes
    def create(self, wanted: Union[str, R, None] = None, **values: Any) -> R:
        """Create an object and return it with the key that the site has chosen.

        Raises ValueError if a required field is missing, and BadRequestError if the site refuses a value.
        """
        return self._create(self._new_record(self._without_key(wanted), values))

    @writes
    def create_absent(self, **values: Any) -> R:
        """Create an object like :meth:`create`, without reading the list first.

        Call it only if you have just read the list and no object had these values, such as a comment with a unique
        name. Otherwise, after a lost answer, the client could take an existing object for the new one.
        """
        return self._create(self._new_record(None, values), was_absent=True)

    @writes
    def ensure(
        self, wanted: Union[str, R, None] = None, *, check: bool = False, update_secrets: bool = False, **values: Any
    ) -> Ensured[R]:
        """Create an object unless one with the given values exists, and return what was done.

        >>> cmk.rules.ensure(ruleset="host_contactgroups", folder="/linux", value="all").changed

        With a key, the object with this key is changed if it differs; NotFoundError is raised if it does not exist.
        With ``check``, nothing is written, and the result is what a call without it would do.
        """
        key = wanted.key_value if isinstance(wanted, self.record) else wanted
        given = self._given(None if isinstance(wanted, str) else wanted, values)
        self._format.check(given)
        if not isinstance(key, str):
            record, identity = self._new_record(None, given), self._identity(given)
            listed = list(self.each(**self._filters(given)))
            key = next((found.key_value for found in listed if self._format.same(found, identity)), None)
            if key is None:
                after = self._with_values(record, {}) if check else self._create(record, listed=listed)
                return Ensured(None, after, ("create",), {name: (None, value) for name, value in given.items()})
        return self._ensure(key, given, check, lambda: self.get(key, fresh=True), sends_all=update_secrets)

    def _identity(self, given: Values) -> Values:
        """Return the values by which an existing object is found."""
        return given

    def _without_key(self, wanted: Union[str, R, None]) -> Optional[R]:
        if isinstance(wanted, str):
            kind = self.record.noun.singular
            raise TypeError(f"the site chooses the {self._key!r} of a {kind}; give only its fields")
        return wanted

    def _given(self, wanted: Union[str, R, None], values: Values) -> dict[str, Any]:
        if wanted is None:
            return dict(self.record.noun.given(values))
        given = super()._given(wanted, values)
        return {name: value for name, value in given.items() if not self._format.field(name).assigned}

    def _filters(self, values: Values) -> dict[str, Any]:
        return {name: values[name] for name, field in self._format.fields.items() if field.filters}

    def _create(self, record: R, *, was_absent: bool = False, listed: Optional[Iterable[R]] = None) -> R:
        """Create an object and return it. ``listed`` is the list of objects, if the caller has just read it."""
        body, values = self._creation_body(record), self._given(record, {})
        filters = self._filters(values)
        content = json.dumps(body, sort_keys=True)
        claims = self._site.creation_claims
        with claims.claim(self.noun, (content,)) as claim:
            before = () if was_absent else self.each(**filters) if listed is None else listed
            known = {found.key_value for found in before}
            try:
                created = self._record(self._parse, "create", body=body)
            except CheckmkError as error:
                # Another call of this client may be creating an object that is equal.
                if content not in claim or self._secrets_in(values):
                    raise
                failure = error

                def find_created(there: AssignedKeys[R]) -> Optional[R]:
                    new = [found for found in there.each(**filters) if found.key_value not in known]
                    same = [found for found in new if there._format.same(found, values)]
                    if len(same) == 1:
                        return same[0]
                    # Each of them may be the object, even with values that the site has changed.
                    if new and (not was_absent or isinstance(failure, ServerError)):
                        raise failure
                    return None

                created = self._settle(error, find_created)
                if content not in claim:  # another call has claimed an equal object during the search
                    raise
        if content in claim:  # a later call finds this object in its first list
            claims.discard(self.noun, content)
        return created
