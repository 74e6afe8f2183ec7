"""The chat page with its paper clip over real parts and the real document flow, for tests."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from app import IngestLibrary
from assistant import events
from assistant.attached import AttachedFile, AttachedFiles
from assistant.conversation import new_conversation_id
from assistant.memory.records import Choices
from assistant.parts import Parts
from assistant.ui.chat import Chat
from assistant.ui.chat_attached import ChatFiles
from assistant.ui.visitor import Visitors
from assistant.users.identity import Identity, Role
from ingest.background import tasks
from tests.library_desk import InThisProcess
from tests.openai_server import OpenAIServer
from tests.question_parts import add_documents, parts_over
from tests.waiting import wait_for

LI, DU = Identity("li", Role.EDITOR), Identity("du", Role.READER)
ROOT = Identity("root", Role.ADMIN)
TITLE = "蓝鲸项目报告"
REPORT = "# 蓝鲸项目报告\n\n## 结论\n\n蓝鲸项目的预算是四百二十万元，由陈思负责。\n"
ASKED, ANSWERED = "蓝鲸项目的预算是多少？", "蓝鲸项目的预算是四百二十万元[1]。"


def request_of(identity: Identity, page: str = "", language: str = "zh") -> Any:
    """As it comes through the gate, from a page of this visitor's own."""
    return SimpleNamespace(
        headers={"accept-language": language},
        session_hash=page or f"page-of-{identity.user}",
        state=SimpleNamespace(identity=identity),
        query_params={},
    )


class AttachedDesk:
    """Chat and paper clip over a data folder of its own in ``folder``."""

    def __init__(self, server: OpenAIServer, folder: Path, **settings: str) -> None:
        self.server, self.folder = server, folder
        self.parts: Parts = parts_over(server, folder / "data", **settings)
        runner = InThisProcess(tasks.Desk(self.parts.settings, self.parts.embeddings))
        visitors = Visitors("auto", is_open=False)
        self.chat = Chat(self.parts, visitors)
        self.library = IngestLibrary(self.parts, runner)
        self.page = ChatFiles(self.parts, self.library, visitors, self.chat)
        self.uploads = self.parts.settings.upload_dir
        self.files = AttachedFiles(self.parts.knowledge, self.uploads)
        self._sent = 0

    def close(self) -> None:
        self.page.close()
        self.parts.close()

    def sent(self, name: str, content: str | bytes) -> str:
        """A file as Gradio hands it over."""
        self._sent += 1
        path = self.folder / f"sent{self._sent}" / name
        path.parent.mkdir()
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return str(path)

    def attach(
        self, *files: tuple[str, str | bytes], who: Identity = LI, target: str = "", page: str = ""
    ) -> str:
        """Attach, and wait until all is read; the conversation."""
        request = request_of(who, page)
        self.page.attach([self.sent(*file) for file in files], target, request)
        self.finish(who, target or str(self.chat.shown(request)), page)
        return target or str(self.chat.shown(request))

    def put(self, conversation: str = "", who: Identity = LI, name: str = "报告.md") -> str:
        """Attach the report as if it had been read; the conversation."""
        conversation = conversation or new_conversation_id()
        info = self.files.collections.make(who.user, conversation)
        path = self.library.store_upload(Path(self.sent(name, REPORT)), name, info.name)
        knowledge = self.parts.knowledge.collection(info.name)
        add_documents(self.parts, knowledge, {str(path): (TITLE, REPORT)})
        return conversation

    def finish(self, who: Identity, conversation: str, page: str = "") -> str:
        """The files as the page shows them once nothing is being read."""

        async def last() -> str:
            shown = [each async for each in self.page.show(conversation, request_of(who, page))]
            return shown[-1]

        shown = asyncio.run(last())
        if self.chat.shown(request_of(who, page)) in (None, conversation):
            return shown
        # The page shows another one, and does not wait for this.
        wait_for(lambda: 'class="file reading"' not in self.chips(who, conversation))
        return self.chips(who, conversation)

    def chips(self, who: Identity, conversation: str, language: str = "zh") -> str:
        """The files as the page shows them now."""
        request = request_of(who, language=language)

        async def first() -> str:
            async for each in self.page.show(conversation, request):
                return each
            return ""

        return asyncio.run(first())

    def of(self, who: Identity, conversation: str) -> list[AttachedFile]:
        return self.files.of(who.user, conversation)

    def ask(
        self, conversation: str, question: str = ASKED, *, who: Identity = LI,
        choices: Choices | None = None, reply: str = ANSWERED,
    ) -> tuple[set[str], events.Done]:  # fmt: skip
        """The titles of the sources, and the end."""
        self.server.clear()
        self.server.say(*[reply] * 3)
        turn = self.parts.turns.start(
            who.user, conversation, question, language="zh", choices=choices, identity=who,
            ahead=False,
        )  # fmt: skip
        seen: Sequence[Any] = list(turn.events())
        done = seen[-1]
        assert isinstance(done, events.Done), done
        return {one.title for one in seen if isinstance(one, events.Source)}, done

    def click(self, file: AttachedFile, conversation: str, who: Identity = LI) -> str:
        event = cast(Any, SimpleNamespace(do="detach", id=file.id))
        return self.page.act(event, conversation, request_of(who))
