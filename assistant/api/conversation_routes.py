"""``/api/v1/conversations``: the caller's own, whichever way they were held."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import fastapi
from fastapi import Query, Request

from assistant.api.faults import not_found
from assistant.api.shapes import ConversationList, ConversationShape, Transcript, TurnShape
from assistant.memory.long_term import LongTermMemory
from assistant.turns import Turns
from assistant.ui.visitor import Visitors
from assistant.users.identity import Role

ConversationId = Annotated[str, fastapi.Path(pattern=r"^[\w.-]{1,64}$")]


@dataclass(frozen=True)
class ConversationRoutes:
    """The handlers."""

    memory: LongTermMemory
    turns: Turns
    visitors: Visitors

    def all(
        self, request: Request, count: Annotated[int, Query(ge=1, le=1000)] = 200
    ) -> ConversationList:
        """The newest first."""
        user = self.visitors.require(request, Role.READER).user
        found = self.memory.conversations(user, count)
        return ConversationList(conversations=[ConversationShape.of(info) for info in found])

    def one(self, conversation_id: ConversationId, request: Request) -> Transcript:
        """The questions and answers that lead to the newest, oldest first."""
        user = self.visitors.require(request, Role.READER).user
        turns = self.memory.turns(user, conversation_id)
        if not turns:
            raise _unknown(conversation_id)
        return Transcript(id=conversation_id, turns=[TurnShape.of(turn) for turn in turns])

    def delete(self, conversation_id: ConversationId, request: Request) -> Transcript:
        """Delete a conversation for good, with what was learned from it."""
        user = self.visitors.require(request, Role.READER).user
        if not self.memory.turns(user, conversation_id):
            raise _unknown(conversation_id)
        self.turns.forget(user, conversation_id)
        return Transcript(id=conversation_id, turns=[])


def _unknown(conversation_id: str) -> Exception:
    return not_found(
        "There is no conversation {id} of yours.", "您没有对话 {id}。", id=conversation_id
    )
