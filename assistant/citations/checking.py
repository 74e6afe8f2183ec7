"""Puts the markers of an answer right, claim by claim."""

from __future__ import annotations

import re
from collections.abc import Sequence

from assistant.citations.alignment import Bearing, Stated, bearings, chosen, joint_share
from assistant.citations.ground import Ground
from assistant.citations.markers import Aside
from assistant.citations.meaning import Meaning
from assistant.citations.pieces import CODE, LAYOUT, ROW, Piece, is_talk, pieces_of, said
from assistant.citations.records import (
    NOTHING,
    SUPPORTED,
    UNSUPPORTED,
    Checked,
    Claim,
    Embed,
    Evidence,
)
from assistant.passages import Passage

_WORD = re.compile(r"\w")
_HEADING = re.compile(r"^\s*#{1,6}\s|^\s*\*\*[^*\n]+\*\*[:：]?\s*$")
_LEADS_IN = re.compile(r"[:：]\s*(?:\*\*)?\s*$")
_TAIL = re.compile(r"(\s*[。！？；!?.;…”’」』\"']*\s*)$")
_ROW_END = re.compile(r"\s*\|\s*$")
# That the passages don't tell, and courtesies.
_ADMITS = re.compile(
    r"(?:资料|信息|文档|内容|上下文|知识库)[^，。；\n]{0,12}(?:没有|未|无法|不包含|不足|并无)"
    r"|(?:没有|未)(?:直接|明确|具体)?(?:提到|提及|提供|说明|给出|包含|涉及)"
    r"|无法(?:确定|回答|得知|判断|提供|从)|不(?:清楚|知道|确定)|(?:抱歉|对不起)[，,！。]"
    r"|\b(?:passages?|documents?|information|texts?|context|sources?)\b[^.;\n]{0,40}"
    r"(?:\bnot\b|n['’]t\b|\bno\b)"
    r"|\bno (?:specific |direct |explicit |further )?(?:information|mention|details)\b"
    r"|\b(?:cannot|can['’]t|unable to) (?:be )?(?:answer|determin|find|found|provid|say)"
    r"|\bnot (?:mentioned|specified|provided|stated|given) in\b|\bI(?:['’]m| am) sorry\b"
    r"|\bI (?:do not|don['’]t) (?:know|have)\b",
    re.IGNORECASE,
)
_COURTESY = re.compile(
    r"希望(?:这|对|以上)|如(?:果|需)[^。\n]{0,16}(?:问题|需要|帮助|疑问)|请随时|祝您"
    r"|\bhope (?:this|that)\b|\blet me know\b|\bfeel free\b"
    r"|\bif you (?:have|need) (?:any |more |further |other )*(?:questions?|help|assistance)\b",
    re.IGNORECASE,
)


def check_citations(
    answer: str, passages: Sequence[Passage], question: str = "", embed: Embed | None = None
) -> Checked:
    """Put the markers of ``answer`` right.

    Args:
        question: its words need no support: an answer repeats them.
        embed: vectors of sentences, for what a passage says in other words or another language;
            called only where words don't decide.
    """
    ground = Ground(passages, question)
    aside = Aside((*(passage.quote for passage in passages), question))
    meaning = Meaning(embed) if embed else None
    texts: list[str] = []
    claims: list[Claim] = []
    words: list[int] = []
    for piece in pieces_of(answer, aside):
        if is_talk(piece.text) and piece.kind != CODE:
            texts.append(piece.text[len(piece.text.rstrip()) :])
            continue
        claim, size = _claim(piece, aside, ground, meaning)
        if claim is not None:
            claims.append(claim)
            words.append(size)
        texts.append(aside.back(_marked(piece, claim.marks if claim else ())))
    full = sum(words)
    borne = sum(one.support * size for one, size in zip(claims, words, strict=True))
    return Checked(
        "".join(texts).strip(),
        tuple(sorted({n for claim in claims for n in claim.marks})),
        tuple(claim.text for claim in claims if claim.kind == UNSUPPORTED),
        tuple(claims),
        round(borne / full, 4) if full else 0.0,
    )


def _claim(
    piece: Piece, aside: Aside, ground: Ground, meaning: Meaning | None
) -> tuple[Claim | None, int]:
    """What a piece claims, and how many terms it has; nothing of a piece without words."""
    text = aside.back(piece.text)
    if piece.kind == LAYOUT or not _WORD.search(text):
        return None, 0
    stated = Stated(_code(text) if piece.kind == CODE else said(text), ground)
    if piece.kind != CODE and _claims_nothing(text, stated):
        return Claim(text.strip(), (), 0.0, NOTHING), 0
    size = max(1, len(stated.own))
    found = chosen(stated, piece.written, meaning)
    if not found:
        return Claim(text.strip(), (), _nearest(stated), UNSUPPORTED), size
    marks = tuple(sorted({one.window.n for one in found}))
    support = min(1.0, joint_share(stated, found))
    return Claim(text.strip(), marks, round(support, 4), SUPPORTED, _evidence(found)), size


def _claims_nothing(text: str, stated: Stated) -> bool:
    if _HEADING.match(text) or _ADMITS.search(text):
        return True
    if _LEADS_IN.search(text) and not (stated.figures or stated.names):
        return True
    return stated.is_empty or bool(_COURTESY.search(text) and not stated.figures)


def _nearest(stated: Stated) -> float:
    """The support of an unsupported claim: half of what the nearest window holds."""
    found = bearings(stated)
    return round(min(1.0, found[0].own) / 2, 4) if found else 0.0


def _evidence(found: Sequence[Bearing]) -> tuple[Evidence, ...]:
    windows = sorted((one.window for one in found), key=lambda window: window.n)
    return tuple(
        Evidence(window.n, window.lines[0].start, window.lines[-1].end) for window in windows
    )


def _code(text: str) -> str:
    """The lines within a code block's fences."""
    return "\n".join(line for line in text.splitlines() if not line.lstrip().startswith(("`", "~")))


def _marked(piece: Piece, marks: Sequence[int]) -> str:
    if not marks:
        return piece.text
    cited = "".join(f"[{n}]" for n in marks)
    if piece.kind == CODE:  # nothing may stand within a block or beside its fences
        body = piece.text.rstrip()
        return f"{body}\n{cited}\n" + piece.text[len(body) :].lstrip("\n")
    tail = _ROW_END if piece.kind == ROW else _TAIL
    body = tail.sub("", piece.text)
    return f"{body}{' ' if piece.kind == ROW else ''}{cited}{piece.text[len(body) :]}"
