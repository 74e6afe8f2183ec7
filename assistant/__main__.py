"""``python -m assistant ask "..."``: a whole turn in the terminal, by the same path as the page."""

from __future__ import annotations

import argparse
import json
import logging
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace

from assistant import events
from assistant.conversation import new_conversation_id
from assistant.errors import AssistantError, SettingsError
from assistant.language import reader_language
from assistant.memory.records import Choices
from assistant.models.chat.choice import open_chat
from assistant.parts import open_parts
from assistant.settings import Settings
from assistant.turns import RunningTurn
from assistant.users.identity import Identity, Role

_STAGES = {
    "zh": {
        "model": "等待模型加载…",
        "rewrite": "理解问题…",
        "retrieve": "检索…",
        "answer": "阅读资料…",
        "reply": "回答…",
    },
    "en": {
        "model": "Waiting for the model to load…",
        "rewrite": "Understanding the question…",
        "retrieve": "Searching…",
        "answer": "Reading the passages…",
        "reply": "Answering…",
    },
}


def main(argv: Sequence[str] | None = None) -> int:
    """Exit code 0: answered; 1: failed; 2: wrong use or settings."""
    arguments = _parser().parse_args(argv)
    language = reader_language("auto")
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="%(message)s")
    try:
        settings = Settings.load()
        language = reader_language(settings.language)
        return _ask(arguments, settings, language)
    except SettingsError as error:
        print(error.text(language), file=sys.stderr)
        return 2
    except AssistantError as error:
        if arguments.json:
            _print_json([events.Error(error.kind, error.text(language))])
        else:
            print(error.text(language), file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m assistant", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    ask = commands.add_parser("ask", help="ask one question and print the cited answer")
    ask.add_argument("question")
    ask.add_argument("--conversation", metavar="ID", help="go on with this conversation")
    ask.add_argument("--user", default="local", metavar="NAME")
    ask.add_argument("--model", metavar="NAME", help="as CHAT_MODEL has it; default: CHAT_MODEL")
    ask.add_argument("--collection", default="", metavar="NAME")
    ask.add_argument("--as-typed", action="store_true", help="search for the question as it stands")
    ask.add_argument("--no-memory", action="store_true", help="without long-term memory")
    ask.add_argument("--json", action="store_true", help="one JSON object on standard output")
    return parser


def _ask(arguments: argparse.Namespace, settings: Settings, language: str) -> int:
    parts = open_parts(_with_model(settings, arguments.model))
    try:
        turn = parts.turns.start(
            arguments.user,
            arguments.conversation or new_conversation_id(),
            arguments.question,
            language=language,
            choices=_choices(arguments),
            # Who can run this can read the data folder.
            identity=Identity(arguments.user, Role.ADMIN),
            ahead=False,
        )
        seen = list(turn.events() if arguments.json else _show(turn, language))
    except KeyboardInterrupt:
        turn.stop()
        return 130
    finally:
        parts.close()
    if arguments.json:
        _print_json(seen)
    return 1 if isinstance(seen[-1], events.Error) else 0


def _with_model(settings: Settings, name: str | None) -> Settings:
    """``settings`` with ``name`` as the chat model.

    Raises:
        SettingsError, ModelError: it can't be used.
    """
    if not name:
        return settings
    open_chat(settings, name, "--model").close()  # so that an error tells where it stands
    return replace(settings, chat_model=name)


def _choices(arguments: argparse.Namespace) -> Choices | None:
    """What the options choose; None: what is kept for the conversation."""
    if not (arguments.as_typed or arguments.no_memory or arguments.collection):
        return None
    return Choices(
        rewriting=not arguments.as_typed,
        memory=not arguments.no_memory,
        collection=arguments.collection,
    )


def _show(turn: RunningTurn, language: str) -> Iterator[events.Event]:
    """Print the turn as it happens: the answer on standard output, the rest on standard error.

    On a terminal the answer streams, and is printed again with its checked citations.
    """
    for event in turn.events():
        yield event
        match event:
            case events.Step(stage=stage):
                _note(_STAGES[language].get(stage, stage))
            case events.Notice(message=message) | events.Error(message=message):
                _note(message)
            case events.Rewrite(standalone=standalone, changed=True):
                _note(f"-> {standalone}")
            case events.Memory(text=text):
                _note(f"<- {text}")
            case events.Token(text=text) if sys.stdout.isatty():
                print(text, end="", flush=True)
            case events.Revise() if sys.stdout.isatty():
                print("\n")
            case events.Source(n=n, title=title, location=location, marks=()):
                _note(f"[{n}] {title} {location}".rstrip())
            case events.Done(conversation_id=conversation_id, answer=answer):
                print(answer)
                _note(f"--conversation {conversation_id}")


def _note(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _print_json(seen: Sequence[events.Event]) -> None:
    result: dict[str, object] = {
        "conversation": "",
        "answer": "",
        "rewritten_question": "",
        "rewriting": "",
        "memories": [],
        "sources": [],
        "timings": {},
        "refused": False,
        "model": "",
        "error": None,
    }
    sources, memories = [], []
    for event in seen:
        match event:
            case events.Rewrite(standalone=standalone, way=way):
                result |= {"rewritten_question": standalone, "rewriting": way}
            case events.Memory(id=id, kind=kind, text=text):
                memories.append({"id": id, "kind": kind, "text": text})
            case events.Source(marks=()):
                names = ("n", "id", "title", "location", "quote", "score")
                sources.append({name: getattr(event, name) for name in names})
            case events.Done():
                result |= {
                    "conversation": event.conversation_id,
                    "answer": event.answer,
                    "refused": event.refused,
                    "model": event.model,
                    "timings": event.timings,
                }
            case events.Error():
                result["error"] = {"kind": event.kind, "message": event.message}
    result |= {"sources": sources, "memories": memories}
    print(json.dumps(result, ensure_ascii=False))


if __name__ == "__main__":
    sys.exit(main())
