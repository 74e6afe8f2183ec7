"""The process that draws one page: ``python -m assistant.page_pictures.child KIND PAGE FILE``.

It writes the layout as one line of JSON, then the PNG. It may take :data:`MOST_MEMORY` and
:data:`MOST_SECONDS`, open few files, and write none.
"""

from __future__ import annotations

import resource
import sys
from contextlib import suppress
from pathlib import Path

from assistant.page_pictures.drawing import NoSuchPage, drawn

#: Of address space.
MOST_MEMORY = 1024**3
#: Of a processor.
MOST_SECONDS = 10
#: The exit code that says that there is no such page.
NO_SUCH_PAGE = 3


def bound() -> None:
    """Give this process its limits; the system may have lower ones, or none."""
    limits = (
        (resource.RLIMIT_AS, MOST_MEMORY),
        (resource.RLIMIT_CPU, MOST_SECONDS),
        (resource.RLIMIT_NOFILE, 64),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
    )
    for which, most in limits:
        with suppress(ValueError, OSError):
            resource.setrlimit(which, (most, most))


def main() -> int:
    bound()
    kind, page, path = sys.argv[1:]
    try:
        picture = drawn(kind, Path(path), int(page))
    except NoSuchPage:
        return NO_SUCH_PAGE
    sys.stdout.buffer.write(picture.layout.as_json().encode() + b"\n" + picture.png)
    return 0


if __name__ == "__main__":
    sys.exit(main())
