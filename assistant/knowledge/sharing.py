"""Who may do what with a collection.

======================  ========================================================
read                    its owner, its readers ("*": everyone), administrators
add, delete documents   editors: in their own, and in those that are nobody's own
                        and that they may read; administrators
rename, share, delete   editors: their own; administrators
======================  ========================================================

"Nobody's own" is what the command line and a page without login make: their owner is ``local``.
What is attached to a conversation its owner alone reads, and changes there and nowhere else.

>>> info = CollectionInfo("law", "", owner="li", readers=("wang",))
>>> may_read(info, Identity("wang", Role.READER)), may_write(info, Identity("wang", Role.EDITOR))
(True, False)
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from assistant.errors import KnowledgeError
from assistant.knowledge.records import CollectionInfo, storable
from assistant.users.identity import LOCAL, AccessDenied, Identity, Role

EVERYONE = "*"
#: In place of a collection's name: all that the user may read.
ALL = "*"
LONGEST_TITLE = 80
MOST_READERS = 200
LONGEST_USER = 128
_UNSEEN = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")


def may_read(info: CollectionInfo, identity: Identity) -> bool:
    if info.conversation:
        return identity.user == info.owner
    return (
        identity.role >= Role.ADMIN
        or identity.user == info.owner
        or EVERYONE in info.readers
        or identity.user in info.readers
    )


def may_write(info: CollectionInfo, identity: Identity) -> bool:
    """Whether they may add and delete documents."""
    if identity.role < Role.EDITOR or info.conversation:
        return False
    is_nobodys = info.owner == LOCAL.user and may_read(info, identity)
    return may_manage(info, identity) or is_nobodys


def may_manage(info: CollectionInfo, identity: Identity) -> bool:
    """Whether they may rename, share and delete it."""
    if info.conversation:
        return False
    return identity.role >= Role.ADMIN or (
        identity.role >= Role.EDITOR and identity.user == info.owner
    )


def readable(infos: Iterable[CollectionInfo], identity: Identity) -> list[CollectionInfo]:
    return [info for info in infos if may_read(info, identity)]


def not_readable(name: str) -> AccessDenied:
    """The same whether there is no such collection or it is closed: its name tells nothing."""
    return AccessDenied(
        "There is no collection {name} that you may read: choose another one below the "
        "conversation, or ask its owner to share it.",
        "没有您可以阅读的知识库 {name}：请在对话下方改选，或请其所有者共享。",
        name=name,
    )


def not_writable(name: str) -> AccessDenied:
    return AccessDenied(
        "Collection {name} is not yours to change: choose another one, or ask its owner or an "
        "administrator.",
        "您不能修改知识库 {name}：请改选其他知识库，或联系其所有者或管理员。",
        name=name,
    )


def checked_title(title: str) -> str:
    """A title without what can't be seen.

    Raises:
        KnowledgeError: nothing is left of it, or it is too long.
    """
    seen = " ".join(storable(_UNSEEN.sub(" ", title)).split())
    if not seen or len(seen) > LONGEST_TITLE:
        raise KnowledgeError(
            "A collection's name has 1 to {most} characters, not {count}: enter another one.",
            "知识库名称应为 1 到 {most} 个字符（现为 {count} 个）：请重新填写。",
            most=LONGEST_TITLE,
            count=len(seen),
        )
    return seen


def checked_readers(readers: Sequence[str]) -> tuple[str, ...]:
    """Users, each once; "*" alone where everyone is meant.

    Raises:
        KnowledgeError: too many, or what can't be a user's name.
    """
    named = tuple(dict.fromkeys(reader.strip() for reader in readers if reader.strip()))
    if EVERYONE in named:
        return (EVERYONE,)
    wrong = [one for one in named if len(one) > LONGEST_USER or _UNSEEN.search(one)]
    if wrong or len(named) > MOST_READERS:
        raise KnowledgeError(
            "A collection has up to {most} readers, each a user's name of up to {length} "
            "characters; {count} were given.",
            "一个知识库最多 {most} 名读者，每个用户名最多 {length} 个字符；实际填写了 {count} 个。",
            most=MOST_READERS,
            length=LONGEST_USER,
            count=len(named),
        )
    return named
