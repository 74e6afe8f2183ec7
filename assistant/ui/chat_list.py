"""The list of conversations beside the chat: what it shows, and what one can do in it."""

from __future__ import annotations

import secrets
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from zoneinfo import ZoneInfo

import gradio as gr

from assistant.deletions import Deletions
from assistant.errors import AssistantError
from assistant.memory.conversation_list import ConversationList, Found
from assistant.memory.long_term import TITLE_LENGTH
from assistant.memory.records import ConversationInfo
from assistant.turns import RunningTurn
from assistant.ui.chat_list_rendering import Listed, checked_name, list_html, local_now
from assistant.ui.chat_shared import link_of
from assistant.ui.looks import cookies_of
from assistant.ui.messages import caution, inform, warn
from assistant.ui.per_page import PerPage
from assistant.ui.visitor import Visitors, WebRequest

SHOWN = 60  # conversations at first, and with each click on "more"
MOST_FOUND = 40


@dataclass(frozen=True)
class Look:
    """How one open page looks at the list."""

    query: str = ""
    shown: int = SHOWN


class TalkList:
    """Args:
    begun: the turns that were begun here, the newest last.
    """

    def __init__(
        self,
        listed: ConversationList,
        deletions: Deletions,
        visitors: Visitors,
        begun: deque[RunningTurn],
        *,
        can_share: bool = False,
    ) -> None:
        self._list = listed
        self._deletions = deletions
        self._visitors = visitors
        self._begun = begun
        self._can_share = can_share
        self._looks: PerPage[Look] = PerPage()
        self._actions: Mapping[str, Callable[[str, str, str], tuple[str, bool]]] = {
            "rename": self._rename,
            "pin": lambda user, id, _: ("", self._list.pin(user, id, True)),
            "unpin": lambda user, id, _: ("", self._list.pin(user, id, False)),
            "delete": self._delete,
            "share": self._share,
            "unshare": lambda user, id, _: ("talk_unshared", self._list.share(user, id, "")),
            "undo": lambda user, id, _: ("talk_undone", self._deletions.undo(user, id)),
        }

    def html(self, current: str, request: gr.Request) -> str:
        """The list for a page that shows the conversation ``current``."""
        user, language = self._visitors.of(request)
        look = self._looks.get(request.session_hash or "") or Look()
        # Before memory is asked: a turn that ends in between is in both, not in neither.
        mine = [turn for turn in reversed(self._begun) if turn.user == user]
        running = {turn.conversation_id for turn in mine if not turn.ended}
        listed = Listed((), current, running, query=look.query)
        try:
            listed = self._read(listed, look, user)
        except AssistantError:
            listed = replace(listed, is_away=True)  # the head of the page says why
        if not look.query:
            listed = replace(listed, found=[*_new(mine, listed, current), *listed.found])
        return list_html(listed, local_now(zone_of(request)), language)

    def _read(self, listed: Listed, look: Look, user: str) -> Listed:
        if self._can_share:
            shared = self._list.shared(user)
            links = {id: link_of(user, id, secret) for id, secret in shared.items()}
            listed = replace(listed, can_share=True, links=links)
        hidden: set[str] = set()
        if look.query:
            found = self._list.find(user, look.query, MOST_FOUND)
        else:
            infos = self._list.infos(user, look.shown + 1)
            loose = [info for info in infos if not info.pinned]
            hidden = {info.id for info in loose[look.shown :]}
            found = [Found(info) for info in infos if info.id not in hidden]
        held = self._deletions.held(user)  # one that is deleted in between is in both, not in none
        gone = {one.id for one, _ in held}
        found = [one for one in found if one.info.id not in gone]
        return replace(listed, found=found, held=held, has_more=bool(hidden))

    def search(self, query: str, current: str, request: gr.Request) -> str:
        """Show the conversations that hold what was typed; all where it is nothing."""
        page = request.session_hash or ""
        self._looks.put(page, Look(query=" ".join(query.split())))
        return self.html(current, request)

    def more(self, request: gr.Request) -> None:
        page = request.session_hash or ""
        look = self._looks.get(page) or Look()
        self._looks.put(page, replace(look, shown=look.shown + SHOWN))

    def act(self, do: str, id: str, value: str, request: gr.Request) -> bool:
        """Do what was clicked; whether it was done. Says what the reader should know."""
        user, language = self._visitors.of(request)
        action = self._actions.get(do)
        if action is None:
            return False
        try:
            said, is_done = action(user, id, value)
        except AssistantError as error:
            warn(error, language)
            return False
        if not is_done:
            caution("talk_too_late" if do == "undo" else "talk_gone", language)
        elif said:
            inform(said, language)
        return is_done

    def _rename(self, user: str, id: str, value: str) -> tuple[str, bool]:
        name = checked_name(value)[:TITLE_LENGTH]
        return "", not name or self._list.rename(user, id, name)

    def _share(self, user: str, id: str, _: str) -> tuple[str, bool]:
        if not self._can_share:
            return "", True
        return "talk_shared", self._list.share(user, id, secrets.token_urlsafe(16))

    def _delete(self, user: str, id: str, _: str) -> tuple[str, bool]:
        return "", self._deletions.hold(user, id)


def _new(mine: list[RunningTurn], listed: Listed, current: str) -> list[Found]:
    """Conversations that aren't stored: they answer their first question, or could not answer
    it."""
    known = {one.info.id for one in listed.found} | {held.id for held, _ in listed.held}
    found: dict[str, Found] = {}
    for turn in mine:
        id = turn.conversation_id
        if id not in known and (not turn.ended or id == current):
            info = ConversationInfo(id, turn.question[:TITLE_LENGTH], turn.asked, 1)
            found.setdefault(id, Found(info))
    return list(found.values())


def zone_of(request: WebRequest) -> ZoneInfo | None:
    """The reader's time zone, which their browser keeps in a cookie."""
    name = cookies_of(request.headers).get("zone", "").replace("%2F", "/")
    try:
        return ZoneInfo(name) if name else None
    except (KeyError, ValueError, OSError):  # not a zone, or none that this machine knows
        return None
