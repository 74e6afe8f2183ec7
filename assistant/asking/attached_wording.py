"""How people speak of the files that they attached to the conversation."""

from __future__ import annotations

import re

_THING = r"(?:files?|documents?|pdfs?|spreadsheets?|slides|reports?|papers?|texts?)"
_ATTACHED = re.compile(
    r"附件|附上的|(?:我|刚刚|刚才|方才|上面)(?:刚刚?|才)?(?:上传|传|发)(?:上来|给你)?的|"
    r"上传的(?:这|那)?[个份些篇]?(?:文件|文档|资料|附件)|"
    r"[这這该](?:个|個|份|些|几个|两个)?(?:文件|檔案|附件)|文件(?:里|裡|中|内|上)|"
    rf"\b(?:the|this|that|these|those|my|our|your)\s+(?:\w+\s+)?attach(?:ed|ments?)\b|"
    rf"\b(?:attached|uploaded)\s+{_THING}\b|\b{_THING}\s+(?:that\s+)?i(?:'ve| have)?\s+"
    r"(?:just\s+)?(?:attached|uploaded|sent|gave)\b|\b(?:this|these|my)\s+files?\b|"
    r"\bthe\s+files?\b(?!\s+(?:name|size|type|format|system))",
    re.IGNORECASE,
)


def speaks_of_attached(question: str) -> bool:
    """Whether ``question``, in a conversation with attached files, is about these alone.

    >>> speaks_of_attached("附件里的保修期是多久？"), speaks_of_attached("How long is it?")
    (True, False)
    """
    return _ATTACHED.search(question) is not None
