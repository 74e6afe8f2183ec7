"""Who may see and change what on the knowledge page. Every handler asks here, whatever its page
showed."""

from __future__ import annotations

from dataclasses import dataclass

from assistant.knowledge.collections import Collections
from assistant.knowledge.records import CollectionInfo
from assistant.knowledge.sharing import (
    may_manage,
    may_read,
    may_write,
    not_readable,
    not_writable,
    readable,
)
from assistant.ui.visitor import Visitors, WebRequest
from assistant.users.identity import Identity, Role, require


@dataclass(frozen=True)
class Rights:
    """Of one visitor in one collection."""

    identity: Identity
    info: CollectionInfo

    @property
    def may_write(self) -> bool:
        """Add and delete documents."""
        return may_write(self.info, self.identity)

    @property
    def may_manage(self) -> bool:
        """Rename, share and delete the collection."""
        return may_manage(self.info, self.identity)

    @property
    def is_admin(self) -> bool:
        """Whether this computer's own folders and private addresses are theirs to add."""
        return self.identity.role >= Role.ADMIN


@dataclass(frozen=True)
class LibraryAccess:
    """Names of collections come from the browser: each is looked up, and asked for, again."""

    collections: Collections
    visitors: Visitors

    def readable(self, request: WebRequest) -> list[CollectionInfo]:
        """What the visitor may read, the default collection first.

        Raises:
            LoginRequired: nobody is logged in.
        """
        return readable(self.collections.all(), self.visitors.identity(request))

    def read(self, name: str, request: WebRequest) -> Rights:
        """
        Raises:
            AccessDenied: there is no such collection that the visitor may read.
            LoginRequired: nobody is logged in.
        """
        identity = self.visitors.identity(request)
        info = self.collections.find(name or "")
        if info is None or not may_read(info, identity):
            raise not_readable(name)
        return Rights(identity, info)

    def write(self, name: str, request: WebRequest) -> Rights:
        """
        Raises:
            AccessDenied: the visitor may not change its documents.
            LoginRequired: nobody is logged in.
        """
        self.visitors.require(request, Role.EDITOR)
        rights = self.read(name, request)
        if not rights.may_write:
            raise not_writable(name)
        return rights

    def manage(self, name: str, request: WebRequest) -> Rights:
        """
        Raises:
            AccessDenied: the collection is not theirs.
            LoginRequired: nobody is logged in.
        """
        rights = self.write(name, request)
        if not rights.may_manage:
            raise not_writable(name)
        return rights


def require_admin(identity: Identity) -> None:
    """For what reaches beyond the library: this computer's folders, private addresses.

    Raises:
        AccessDenied: ``identity`` is no administrator.
    """
    require(identity, Role.ADMIN)
