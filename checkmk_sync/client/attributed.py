"""Changes hosts and folders, which have attributes and metadata."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Callable, Optional, Sequence, TypeVar

from ..core.call import Reply
from ..errors import BadRequestError
from .editable import Editable, Values
from .records import Folder, Host
from .resource import writes
from .site_attributes import naming_unknown_tags
from .updates import Attributes, ChangeFunction, created_by, matches, update_function

A = TypeVar("A", Host, Folder)


class Attributed(Editable[A]):
    """The base class of hosts and folders.

    ``_member`` names the value that can be set besides the attributes: the folder of a host, or the title of a folder.
    """

    _member: str

    def _perform(self, verb: str, **arguments: Any) -> Reply:
        try:
            return super()._perform(verb, **arguments)
        except BadRequestError as error:
            raise naming_unknown_tags(self._site, error, arguments.get("body") or {}) from error.__cause__

    @writes
    def update(
        self,
        name: str,
        change: Optional[ChangeFunction] = None,
        *,
        attributes: Optional[Attributes] = None,
        update_attributes: Optional[Attributes] = None,
        remove_attributes: Optional[Sequence[str]] = None,
        etag: Optional[str] = None,
    ) -> A:
        """Change the attributes of an object, and return the object as it is afterwards.

        >>> cmk.hosts.update("web01", update_attributes={"alias": "Web server"})
        >>> cmk.hosts.update("web01", lambda found: {**found, "labels": {**found.get("labels", {}), "env": "prod"}})

        Give exactly one of these arguments:

        * ``attributes`` replaces all attributes of the object.
        * ``update_attributes`` sets some attributes. Each one is replaced completely, so new labels replace all labels.
        * ``remove_attributes`` lists the names of attributes to remove. It is not an error if one is not set.
        * ``change`` is a function that takes all attributes, as a dictionary, and returns all attributes. Only the
          difference is sent.

        The client reads the object, and then sends the change for that state. If another user changes the object in
        between, the client repeats both, up to 5 times in total; ``change`` is called again. With an ``etag``, such as
        ``host.etag``, the change applies to that state only, and nothing is repeated.

        Raises PreconditionError if the object has changed since the ``etag``, NotFoundError if it does not exist,
        BadRequestError if an attribute is not valid, and ValueError unless exactly one kind of change is given.
        """
        kinds = (attributes, update_attributes, remove_attributes)
        return self.update_with(name, update_function(name, change, kinds), etag)

    @writes
    def update_with(self, name: str, body_for: Callable[[A], Values], etag: Optional[str] = None) -> A:
        """Change an object like :meth:`update`. ``body_for`` returns the body of the request for the object as read."""
        return self._change(
            name,
            "update",
            body_for,
            lambda _there, found, body, _before: self._is_as_left_by(body, found),
            etag=etag,
            # CHECKMK_API 10.2: if an attribute is already absent, the removal is refused, but the others are removed.
            refusals=lambda body: (BadRequestError,) if "remove_attributes" in body else (),
        )

    def _is_as_left_by(self, body: Values, found: A, /) -> bool:
        return body.get("title") in (None, getattr(found, "title", None)) and matches(body, found.attributes)

    def _is_created(self, found: A, wanted: A, /) -> bool:
        # Any other object of this name existed before, or was created by someone else.
        is_ours = created_by(self._site.settings.username, 0.0, found.meta)
        is_same = getattr(found, self._member) == getattr(wanted, self._member)
        return is_ours and is_same and matches({"attributes": wanted.attributes}, found.attributes)

    def _values(self, record: A, /) -> dict[str, Any]:
        return {self._member: getattr(record, self._member), **record.attributes}

    def _given(self, wanted: A, *, with_member: bool) -> Attributes:
        """Return the values for ``ensure`` to compare. Raises ValueError for an attribute with the member's name."""
        if self._member in wanted.attributes:
            raise ValueError(f"{self._member!r} is not an attribute; give it as the argument {self._member}=")
        return self._values(wanted) if with_member else wanted.attributes

    def _differing(self, before: A, values: Attributes, /) -> list[str]:
        now = self._values(before)
        return [name for name, value in values.items() if not matches({"update_attributes": {name: value}}, now)]

    def _with_values(self, before: A, changes: Attributes, /) -> A:
        values = {**self._values(before), **changes}
        return replace(before, **{self._member: values.pop(self._member)}, attributes=values, etag=None)
