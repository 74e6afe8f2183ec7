"""Prompts that an administrator has edited, in ``DATA_DIR/prompts/``: they stay in use when what
ships changes, and every process takes them up by the stamp of their files.

Files are written under a lock that other processes respect. One that can't be used never stops
anything: the shipped prompt is used.
"""

from __future__ import annotations

import fcntl
import logging
import os
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from assistant.errors import AssistantError, PromptError
from assistant.prompt_checks import checked, fingerprint, plain
from assistant.prompt_files import Edit, read_edits, write_edits
from assistant.prompts import LANGUAGES, PROMPT_DIR, VARIABLES, Prompt, Prompts, load_prompts
from assistant.prompts import read_prompt as read_shipped
from assistant.whole_files import stamp_of

log = logging.getLogger(__name__)

FOLDER, LOCK = "prompts", ".lock"
#: Versions before the one in use.
KEPT = 10
Key = tuple[str, str]  # name, language


@dataclass(frozen=True)
class PromptState:
    """One prompt as it is now.

    ``edit`` is what an administrator made of it, also where ``fault`` says why it can't be used.
    ``earlier``: the versions before, the newest first.
    """

    name: str
    language: str
    shipped: str
    edit: Edit | None = None
    earlier: tuple[Edit, ...] = ()
    fault: AssistantError | None = None

    @property
    def key(self) -> str:
        return f"{self.name}.{self.language}"

    @property
    def is_edited(self) -> bool:
        """Whether another text than the shipped one is in use."""
        edit = self.edit
        return edit is not None and self.fault is None and edit.text != self.shipped

    @property
    def text(self) -> str:
        """What is in use."""
        return self.edit.text if self.edit and self.fault is None else self.shipped

    @property
    def draft(self) -> str:
        """What there is to go on editing."""
        return self.edit.text if self.edit else self.shipped

    @property
    def stamp(self) -> str:
        """Another one once anybody has changed the prompt."""
        edit = self.edit
        told = f"{edit.text}\0{edit.shipped}\0{edit.at}" if edit else ""
        return fingerprint(f"{told}\0{self.shipped}\0{len(self.earlier)}")

    @property
    def has_moved(self) -> bool:
        """Whether the shipped text has changed since it was edited."""
        edit = self.edit
        return edit is not None and edit.text != self.shipped != edit.shipped


class PromptEdits:
    """Args:
    folder: of the edits; made when first needed.
    shipped: of what ships; read once, as it belongs to this version of the program.

    Raises:
        PromptError: a shipped prompt can't be used.
    """

    def __init__(self, folder: Path, shipped: Path = PROMPT_DIR) -> None:
        self._folder = folder
        self._prompts = load_prompts(shipped).table
        self._shipped = {
            (name, language): plain(read_shipped(shipped / f"{name}.{language}.txt"))
            for name, language in self._prompts
        }
        self._lock = threading.Lock()
        self._known: dict[Key, tuple[object, PromptState, Prompt]] = {}

    def prompts(self) -> Prompts:
        """What is in use, also after every later change."""
        return Prompts(_Live(self))

    def state(self, name: str, language: str) -> PromptState:
        """
        Raises:
            PromptError: there is no such prompt.
        """
        return self._look((name, language))[0]

    def states(self) -> list[PromptState]:
        return [self.state(name, language) for name in VARIABLES for language in LANGUAGES]

    def prompt(self, key: Key) -> Prompt:
        return self._look(key)[1]

    def report(self) -> None:
        """Tell the log what an operator must know: at the start of the app."""
        for state in self.states():
            if state.edit and state.has_moved:
                log.warning(
                    "the shipped prompt %s has changed since %s edited it on %s; the edit stays "
                    "in use: compare them on the page /admin",
                    state.key,
                    state.edit.by,
                    state.edit.at[:10],
                )

    def trial(self, name: str, language: str, text: str) -> Prompts:
        """Those in use, with ``text`` in place of one of them; nothing is kept.

        Raises:
            PromptError: there is no such prompt, or ``text`` can't be used.
        """
        state = self.state(name, language)
        now = dict(self.prompts().now().table)
        return Prompts({**now, (state.name, state.language): checked(name, plain(text))})

    def save(self, name: str, language: str, text: str, *, by: str, seen: str) -> PromptState:
        """Take ``text`` into use; the shipped one again is no edit.

        Args:
            seen: the ``stamp`` of what it was made from.

        Raises:
            PromptError: it can't be used, or the prompt has changed since ``seen``.
        """
        text = plain(text)
        checked(name, text)

        def saved(state: PromptState) -> PromptState:
            if state.fault is None and state.text == text:
                return state
            if text == state.shipped:  # an upgrade may change it again
                return _with(state, None)
            return _with(state, Edit(text, state.shipped, by, _now()))

        return self._change((name, language), seen, saved)

    def reset(self, name: str, language: str, *, seen: str) -> PromptState:
        """Take the shipped text into use; what was there stays among the earlier versions.

        Raises:
            PromptError: the prompt has changed since ``seen``.
        """
        return self._change((name, language), seen, lambda state: _with(state, None))

    def keep(self, name: str, language: str, *, seen: str) -> PromptState:
        """Keep the edit where the shipped text has changed: it counts as compared with that now.

        Raises:
            PromptError: the prompt has changed since ``seen``.
        """

        def kept(state: PromptState) -> PromptState:
            edit = state.edit and replace(state.edit, shipped=state.shipped)
            return replace(state, edit=edit)

        return self._change((name, language), seen, kept)

    def _look(self, key: Key) -> tuple[PromptState, Prompt]:
        path = self._path(key)
        with self._lock:
            stamp = stamp_of(path)
            known = self._known.get(key)
            if known is None or known[0] != stamp:
                known = (stamp, *self._read(key, path))
                self._known[key] = known
            return known[1], known[2]

    def _read(self, key: Key, path: Path) -> tuple[PromptState, Prompt]:
        state = PromptState(*key, self._shipped[key])
        try:
            edit, earlier = read_edits(path)
            state = replace(state, edit=edit, earlier=earlier)
            prompt = checked(key[0], edit.text) if edit else self._prompts[key]
        except PromptError as error:
            log.warning("the shipped prompt %s is used: %s", state.key, error)
            return replace(state, fault=error), self._prompts[key]
        return state, prompt

    def _change(
        self, key: Key, seen: str, change: Callable[[PromptState], PromptState]
    ) -> PromptState:
        path = self._path(key)
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            with (self._folder / LOCK).open("a") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                state = self.state(*key)
                if seen != state.stamp:
                    raise _changed_meanwhile()
                if state.fault and state.edit is None and path.exists():
                    os.replace(path, path.with_suffix(".broken"))
                changed = change(state)
                write_edits(path, changed.edit, changed.earlier)
        except OSError as error:
            raise PromptError(
                "{path} can't be written: {why}.",
                "无法写入 {path}：{why}。",
                path=path,
                why=error.strerror or error,
            ) from error
        with self._lock:
            self._known.pop(key, None)
        return self.state(*key)

    def _path(self, key: Key) -> Path:
        if key not in self._shipped:
            raise PromptError(
                "There is no prompt {name}. The prompts: {known}.",
                "没有提示词 {name}。现有：{known}。",
                name=".".join(map(str, key))[:80],
                known=", ".join(VARIABLES),
            )
        return self._folder / f"{key[0]}.{key[1]}.json"


class _Live(Mapping[Key, Prompt]):
    """Looks at the files again at each access."""

    def __init__(self, edits: PromptEdits) -> None:
        self._edits = edits

    def __getitem__(self, key: Key) -> Prompt:
        return self._edits.prompt(key)

    def __iter__(self) -> Iterator[Key]:
        return iter([(name, language) for name in VARIABLES for language in LANGUAGES])

    def __len__(self) -> int:
        return len(VARIABLES) * len(LANGUAGES)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _with(state: PromptState, edit: Edit | None) -> PromptState:
    """``edit`` in place of the present one, which joins the earlier versions."""
    before = (state.edit, *state.earlier) if state.edit else state.earlier
    return replace(state, edit=edit, earlier=before[:KEPT], fault=None)


def _changed_meanwhile() -> PromptError:
    return PromptError(
        "This prompt was changed elsewhere meanwhile: look at it again, then save.",
        "这个提示词刚刚在别处改过：请看过新的内容再保存。",
    )
