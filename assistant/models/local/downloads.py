"""Downloads over HTTP that go on where they broke off, and are given up when they stay silent."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import closing
from pathlib import Path

import httpx

from assistant.errors import ModelFileError

#: A source that sends nothing for so long is given up, even in name resolution.
SILENCE_SECONDS = 5.0
CHUNK = 64 * 1024  # bytes that must come within SILENCE_SECONDS

#: Told the bytes that are here so far.
Report = Callable[[int], None]
#: A step of an HTTP download: the position of the bytes in the file, and the bytes.
Piece = tuple[int, bytes]


def download(
    url: str,
    partial: Path,
    size: int,
    report: Report,
    headers: Mapping[str, str] | None = None,
) -> Path:
    """Fetch ``url``, which must have ``size`` bytes, into ``partial``, going on where it ends.

    Args:
        headers: of the request, such as an access token; not sent on to other hosts.

    Raises:
        ModelFileError: the server can't be reached, is silent, or offers something else.
    """
    with partial.open("ab"):
        offset = partial.stat().st_size
    if offset == size:
        return partial
    with partial.open("r+b") as file:
        offset = 0 if offset > size else offset
        for position, data in _in_time(_pieces(url, offset, size, headers or {})):
            if file.seek(position) == 0:
                file.truncate()
            file.write(data)
            report(position + len(data))
    if partial.stat().st_size < size:
        raise ModelFileError("the connection ended early", "连接中途断开")
    return partial


def _pieces(
    url: str, offset: int, size: int, headers: Mapping[str, str]
) -> Generator[Piece, None, None]:
    headers = {"Accept-Encoding": "identity", **headers}
    if offset:
        headers["Range"] = f"bytes={offset}-"
    with (
        httpx.Client(follow_redirects=True, timeout=SILENCE_SECONDS) as client,
        client.stream("GET", url, headers=headers) as response,
    ):
        position = _accepted_position(response, offset, size)
        for data in response.iter_raw(CHUNK):
            if position + len(data) > size:
                raise other_size(f"> {size}", size)
            yield position, data
            position += len(data)


def _accepted_position(response: httpx.Response, offset: int, size: int) -> int:
    """Where the bytes of ``response`` start, if they can be of our file."""
    if response.status_code not in (httpx.codes.OK, httpx.codes.PARTIAL_CONTENT):
        raise ModelFileError(
            "it answered {status}", "返回状态 {status}", status=response.status_code
        )
    # ModelScope sends the rest of a file with status 200.
    rest = response.headers.get("Content-Range", "").startswith(f"bytes {offset}-")
    resumed = response.status_code == httpx.codes.PARTIAL_CONTENT or rest
    position = offset if resumed else 0
    offered = response.headers.get("Content-Length", "")
    if offered.isdigit() and position + int(offered) != size:
        raise other_size(str(position + int(offered)), size)
    return position


def other_size(offered: str, size: int) -> ModelFileError:
    """Why a source was refused: what it offers can't be the file."""
    return ModelFileError(
        "it offers {offered} bytes instead of {size}",
        "文件大小为 {offered} 字节，应为 {size} 字节",
        offered=offered,
        size=size,
    )


def _in_time(pieces: Generator[Piece, None, None]) -> Iterator[Piece]:
    """The items of ``pieces``, each within SILENCE_SECONDS.

    They are made in a thread of their own, which is left behind when it hangs: name resolution
    can't be interrupted.
    """
    arrived: queue.Queue[Piece | Exception | None] = queue.Queue(maxsize=64)
    given_up = threading.Event()

    def work() -> None:
        try:
            with closing(pieces):
                for piece in pieces:
                    arrived.put(piece)
                    if given_up.is_set():
                        return
            arrived.put(None)
        except Exception as error:  # noqa: BLE001 - raised again in the waiting thread
            arrived.put(error)

    threading.Thread(target=work, daemon=True, name="model-download").start()
    try:
        while (item := arrived.get(timeout=SILENCE_SECONDS)) is not None:
            if isinstance(item, Exception):
                raise item
            yield item
    except (queue.Empty, httpx.TimeoutException) as error:
        raise silent() from error
    # A proxy that the environment names may be malformed, or of a kind that httpx lacks.
    except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError, ImportError) as error:
        why = str(error) or type(error).__name__
        raise ModelFileError("{why}", "出错：{why}", why=why) from error
    finally:
        given_up.set()
        while not arrived.empty():
            arrived.get_nowait()


def silent() -> ModelFileError:
    """Why a source was given up: it stayed silent."""
    return ModelFileError(
        "no data for {seconds:g} s", "{seconds:g} 秒内没有数据", seconds=SILENCE_SECONDS
    )
