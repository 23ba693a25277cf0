"""Folders of the configuration."""

from __future__ import annotations

from typing import Any, Callable, Optional, Sequence

from ...catalogue.paths import folder_id, folder_path, is_folder_hash, parent_folder
from ...core.arguments import require_string
from ...errors import BadRequestError, CheckmkError, NotFoundError, PreconditionError
from ...streaming import Stream
from ..records import Folder
from ..resource import parsed, writes
from ..updates import Attributes, ChangeFunction, created_by, diff_body, json_mapping, matches, update_body
from .editable import Editable

__all__ = ["Folders"]


class Folders(Editable[Folder]):
    """``client.folders``. A folder may be spelled ``/a/b``, ``~a~b``, ``\\a\\b`` or by its 32-digit id."""

    noun = "folders"

    def get(self, folder: str, *, fresh: bool = False) -> Folder:
        """Return one folder with its ETag. NotFoundError if there is none."""
        return self._record(Folder.parse, "get", path={"folder": folder_id(folder)}, fresh=fresh)

    def find(self, folder: str, *, fresh: bool = False) -> Optional[Folder]:
        """Return one folder, or None where :meth:`get` raises NotFoundError."""
        try:
            return self.get(folder, fresh=fresh)
        except NotFoundError:
            return None

    def each(self, parent: str = "/", *, recursive: bool = True) -> Stream[Folder]:
        """Return ``parent`` and everything below it, or without ``recursive`` only its direct children."""
        query = {"parent": folder_id(parent), "recursive": recursive, "show_hosts": False}
        return Stream(
            lambda received: parsed(self._blocks("list", received, parts=Folder.PARTS, query=query), Folder.parse_all)
        )

    @writes
    def create(self, folder: str, *, title: Optional[str] = None, attributes: Optional[Attributes] = None) -> Folder:
        """Create one folder in a parent that exists; its title is its name unless given.

        BadRequestError when it exists or the parent does not. It is looked for first, as in ``hosts.create``.
        """
        return self._create(folder_path(folder), title, attributes, was_absent=False)

    @writes
    def create_absent(
        self, folder: str, *, title: Optional[str] = None, attributes: Optional[Attributes] = None
    ) -> Folder:
        """Create a folder that the caller has just looked for in vain: :meth:`create` without looking again."""
        return self._create(folder_path(folder), title, attributes, was_absent=True)

    def _create(self, path: str, title: Optional[str], attributes: Optional[Attributes], *, was_absent: bool) -> Folder:
        parent = parent_folder(path)
        if parent is None or is_folder_hash(path):
            raise ValueError(f"{path!r} cannot be created: a path below '/' is needed")
        if title is not None:
            require_string(title, "title")
        name = path.rpartition("/")[2]
        body = {
            "name": name,
            "title": title or name,
            "parent": parent,
            "attributes": json_mapping(attributes or {}, path),
        }
        with self._site.creation_claims.claim("folders", (path,)) as claim:
            was_absent = was_absent or self._is_absent("get", {"folder": folder_id(path)})
            try:
                return self._record(Folder.parse, "create", body=body, object_names=(path,))
            except CheckmkError as error:
                if not was_absent or path not in claim:
                    raise
                return self._settle_creation(error, path, claim, lambda there: there._find_created(path, body))

    @writes
    def ensure(self, folder: str, *, title: Optional[str] = None, attributes: Optional[Attributes] = None) -> Folder:
        """The folder, created with all missing parents where it is not there; an existing one stays as it is."""
        path = folder_path(folder)
        found = self.find(path, fresh=True)
        if found is not None:
            return found
        parent = parent_folder(path)
        if parent is not None and parent != "/":
            self.ensure(parent)
        try:
            return self.create_absent(path, title=title, attributes=attributes)
        except BadRequestError:  # somebody else was faster, unless it still is not there
            found = self.find(path, fresh=True)
            if found is None:
                raise
            return found

    @writes
    def update(
        self,
        folder: str,
        change: Optional[ChangeFunction] = None,
        *,
        title: Optional[str] = None,
        attributes: Optional[Attributes] = None,
        update_attributes: Optional[Attributes] = None,
        remove_attributes: Optional[Sequence[str]] = None,
        etag: Optional[str] = None,
    ) -> Folder:
        """Change title or attributes; works like ``hosts.update``."""
        body: dict[str, Any] = update_body(attributes, update_attributes, remove_attributes, folder)
        if change is not None and body:
            raise ValueError("give either a change function or attributes")
        if title is not None:
            body["title"] = require_string(title, "title")
        if change is None:
            if not body:
                raise ValueError("give a title, a change function or one kind of attributes")
            return self._update(folder, lambda _before: body, etag)
        return self._update(folder, lambda before: {**body, **diff_body(change, before.attributes, folder)}, etag)

    @writes
    def update_read(
        self, folder: str, change: Callable[[Folder], Attributes], *, title: Optional[str] = None
    ) -> Folder:
        """Change a folder as :meth:`update` does with a function, which here gets the whole folder as it was read."""
        body = {} if title is None else {"title": require_string(title, "title")}
        return self._update(
            folder, lambda before: {**body, **diff_body(lambda _: change(before), before.attributes, folder)}
        )

    def _update(self, folder: str, body_for: Callable[[Folder], dict[str, Any]], etag: Optional[str] = None) -> Folder:
        def write(before: Folder) -> Folder:
            body = body_for(before)
            if not body:
                return before
            request = dict(path={"folder": folder_id(folder)}, body=body, object_names=(before.path,))
            try:
                return self._record(Folder.parse, "update", etag=etag or before.etag or "*", **request)
            except CheckmkError as error:
                return self._settle(error, lambda there: there._find_matching(folder, body), PreconditionError)

        return self._read_and_write(folder, write, etag)

    @writes
    def move(self, folder: str, destination: str) -> Folder:
        """Move a folder, with all that is in it, into ``destination``; where it is there already nothing is sent."""
        target = self._resolve_folder(destination)

        def write(before: Folder) -> Folder:
            if parent_folder(before.path) == target:
                return before
            request = dict(path={"folder": folder_id(folder)}, body={"destination": target})
            moved = _path_in(target, before)
            try:
                return self._record(Folder.parse, "move", etag=before.etag or "*", object_names=(moved,), **request)
            except CheckmkError as error:
                return self._settle(
                    error,
                    lambda there: there._find_moved(before, target),
                    BadRequestError,
                    NotFoundError,
                    PreconditionError,
                )

        return self._read_and_write(folder, write)

    def can_delete_empty(self) -> bool:
        """True where the site deletes a folder only if it is empty (2.2.0p26 and later): see :meth:`delete`."""
        return self._supports("delete", "delete_mode")

    @writes
    def delete(self, folder: str, *, recursive: bool = False, missing_ok: bool = False) -> None:
        """Delete an empty folder; with ``recursive`` also **all hosts and folders in it**.

        ConflictError when it is not empty, NotFoundError where there is none (unless ``missing_ok``).
        Checkmk's own default is recursive. Versions before 2.2.0p26 know nothing else, and looking into the
        folder first would not show what the user may not see or what somebody is just adding: there
        CheckmkError unless ``recursive``.
        """
        path = {"folder": folder_id(folder)}
        query = {}
        if self.can_delete_empty():
            query["delete_mode"] = "recursive" if recursive else "abort_on_nonempty"
        elif not recursive:
            raise CheckmkError(
                f"Checkmk {self._site.version()} can delete {folder} only with all that is in it (a recursive "
                f"delete); from 2.2.0p26 on it can refuse that"
            )
        self._delete(folder, missing_ok, folder_path(folder), path=path, query=query)

    def _find_created(self, path: str, body: Attributes) -> Optional[Folder]:
        found = self._find_matching(path, {"title": body["title"], "attributes": body["attributes"]})
        return found if found is not None and created_by(self._site.settings.username, 0.0, found.meta) else None

    def _find_matching(self, folder: str, body: Attributes) -> Optional[Folder]:
        found = self.find(folder, fresh=True)
        if found is None or found.title != body.get("title", found.title):
            return None
        return found if matches(body, found.attributes) else None

    def _find_moved(self, before: Folder, target: str) -> Optional[Folder]:
        """Return the folder in ``target``, if it has left its old place. Another one only has the same name."""
        if self.find(before.path, fresh=True) is not None:
            return None
        found = self.find(_path_in(target, before), fresh=True)
        return found if found is not None and _creation(found) == _creation(before) is not None else None


def _path_in(target: str, folder: Folder) -> str:
    """Return the path of a folder once it is in ``target``."""
    return f"{target.rstrip('/')}/{folder.path.rpartition('/')[2]}"


def _creation(folder: Folder) -> Optional[tuple[str, str]]:
    """Return when and by whom a folder was created, which it keeps when it is moved."""
    meta = folder.meta
    return (str(meta["created_at"]), str(meta.get("created_by"))) if meta.get("created_at") else None
