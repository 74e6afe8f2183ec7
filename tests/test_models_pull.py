"""``pull``: whole models from both hubs through the real client, and every way it can fail."""

from __future__ import annotations

import json
import logging
import random
import shutil
import socket
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from assistant.errors import ModelFileError
from assistant.models import __main__ as command
from assistant.models.hubs import cache, fetching
from assistant.models.hubs.folder import check_model
from assistant.models.hubs.repository import RemoteFile, wanted
from assistant.settings import Settings
from tests.hub_server import COMMIT, HubServer, Repository, git_sha1, hub_server, sha256

NAME = "Org/Tiny-Model"


def safetensors(size: int, seed: int = 7) -> bytes:
    """A valid file with one tensor of ``size`` bytes."""
    header = json.dumps({"w": {"dtype": "U8", "shape": [size], "data_offsets": [0, size]}}).encode()
    return struct.pack("<Q", len(header)) + header + random.Random(seed).randbytes(size)


SHARDS = [f"model-0000{n}-of-00002.safetensors" for n in (1, 2)]
INDEX = json.dumps({"weight_map": {"a": SHARDS[0], "b": SHARDS[1]}}).encode()
FILES = {
    "config.json": b'{"model_type": "qwen3"}',
    "model.safetensors.index.json": INDEX,
    SHARDS[0]: safetensors(200_000, 1),
    SHARDS[1]: safetensors(150_000, 2),
    "tokenizer/vocab.json": b"{}",
    "pytorch_model.bin": b"x" * 50_000,
    ".gitattributes": b"*.bin filter=lfs",
}
NEEDED = set(FILES) - {"pytorch_model.bin", ".gitattributes"}


@pytest.fixture
def hub() -> Iterator[HubServer]:
    with hub_server() as hub:
        hub.repositories[NAME] = Repository(dict(FILES))
        yield hub


Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(
    hub: HubServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Run:
    """Run the command with both hubs at the local server: (exit code, output, errors)."""
    for name in ("LC_ALL", "LC_MESSAGES", "LANG", "HF_TOKEN", "MODELSCOPE_API_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LANGUAGE", "en")
    monkeypatch.setenv("MODEL_DIR", str(tmp_path / "models"))
    monkeypatch.setenv("HF_ENDPOINT", hub.url)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("MODELSCOPE_ENDPOINT", hub.url)
    monkeypatch.setattr(Settings.load.__func__, "__defaults__", (None, None))
    monkeypatch.setattr(fetching, "PAUSE_SECONDS", 0.0)

    def run(*arguments: str) -> tuple[int, str, str]:
        code = command.main(arguments)
        told = capsys.readouterr()
        return code, told.out, told.err

    return run


def contents(folder: Path) -> dict[str, bytes]:
    found = {}
    for path in folder.rglob("*"):
        name = path.relative_to(folder).as_posix()
        if path.is_file() and not name.startswith((".cache", ".incomplete")):
            found[name] = path.read_bytes()
    return found


def pulled(told: tuple[int, str, str]) -> Path:
    code, out, err = told
    assert code == 0, err
    return Path(out.strip())


@pytest.mark.parametrize("source", ["huggingface", "modelscope"])
def test_whole_model_comes_and_is_found_again(run: Run, hub: HubServer, source: str) -> None:
    path = pulled(run("pull", f"{source}:{NAME}"))
    assert contents(path) == {name: FILES[name] for name in NEEDED}
    assert not list(path.parent.rglob("*.part"))
    listed = json.loads(run("list", "--json")[1])["pulled"]
    assert [(row["name"], row["source"], row["complete"]) for row in listed] == [
        (NAME, source, True)
    ]
    hub.requests.clear()
    assert pulled(run("pull", NAME, "--source", source)) == path
    assert not hub.fetched("safetensors")


def test_cache_is_the_one_that_other_programs_read(run: Run, hub: HubServer) -> None:
    from huggingface_hub import snapshot_download, try_to_load_from_cache

    path = pulled(run("pull", NAME))
    root = path.parent.parent.parent
    assert path.name == COMMIT
    assert try_to_load_from_cache(NAME, "config.json", cache_dir=root) == str(path / "config.json")
    found = snapshot_download(
        NAME, cache_dir=root, local_files_only=True, allow_patterns=["*.safetensors", "*.json"]
    )
    assert Path(found) == path


@pytest.mark.parametrize("source", ["huggingface", "modelscope"])
def test_break_is_taken_up_at_its_byte(run: Run, hub: HubServer, source: str) -> None:
    hub.repositories[NAME].cut[SHARDS[0]] = 0
    assert run("pull", NAME, "--source", source)[0] == 1
    [partial] = _partials()
    partial.write_bytes(FILES[SHARDS[0]][:70_000])  # as a killed process leaves it
    hub.repositories[NAME].cut.clear()
    hub.requests.clear()
    path = pulled(run("pull", NAME, "--source", source))
    assert contents(path)[SHARDS[0]] == FILES[SHARDS[0]]
    assert hub.fetched("00001-of-00002") == ["bytes=70000-"]


def _partials() -> list[Path]:
    return list(Path(Settings.load().model_dir).rglob("*.part"))


def test_cut_connection_goes_on_within_one_call(run: Run, hub: HubServer) -> None:
    hub.repositories[NAME].cut[SHARDS[1]] = 100_000
    path = pulled(run("pull", NAME))
    assert contents(path)[SHARDS[1]] == FILES[SHARDS[1]]
    ranges = hub.fetched("00002-of-00002")
    assert len(ranges) == 2
    assert ranges[0] is None


@pytest.mark.parametrize("source", ["huggingface", "modelscope"])
def test_wrong_bytes_are_refused(run: Run, hub: HubServer, source: str) -> None:
    data = FILES[SHARDS[0]]
    hub.repositories[NAME].wrong[SHARDS[0]] = data[:-1] + b"!"
    code, _, err = run("pull", NAME, "--source", source)
    assert code == 1
    assert f"{SHARDS[0]}: wrong checksum: deleted" in err
    assert not _partials()


@pytest.mark.parametrize("source", ["huggingface", "modelscope"])
def test_file_that_changed_on_the_disk_is_noticed(run: Run, hub: HubServer, source: str) -> None:
    path = pulled(run("pull", NAME, "--source", source))
    shard = (path / SHARDS[1]).resolve()
    shard.write_bytes(shard.read_bytes()[:-1] + b"!")
    assert contents(pulled(run("pull", NAME, "--source", source)))[SHARDS[1]] == FILES[SHARDS[1]]


@pytest.mark.parametrize("source", ["huggingface", "modelscope"])
def test_folder_of_ones_own(run: Run, hub: HubServer, tmp_path: Path, source: str) -> None:
    to = tmp_path / "mine"
    assert pulled(run("pull", NAME, "--source", source, "--to", str(to))) == to
    assert contents(to) == {name: FILES[name] for name in NEEDED}


@pytest.mark.parametrize("source", ["huggingface", "modelscope"])
def test_revision_and_patterns(run: Run, hub: HubServer, source: str) -> None:
    hub.repositories[NAME].revisions += ("v1.0",)
    arguments = ("--source", source, "--revision", "v1.0", "--include", "config*", "*.bin")
    path = pulled(run("pull", NAME, *arguments))
    assert set(contents(path)) == {"config.json", "pytorch_model.bin"}
    assert any("v1.0" in path for _, path, _ in hub.requests)


def test_other_name_of_the_default_branch_is_understood(run: Run, hub: HubServer) -> None:
    hub.repositories[NAME].revisions = ("main", COMMIT)
    pulled(run("pull", NAME, "--source", "huggingface", "--revision", "master"))
    hub.repositories[NAME].revisions = ("master",)
    pulled(run("pull", NAME, "--source", "modelscope", "--revision", "main"))


def test_next_hub_is_asked_where_the_first_has_it_not(
    run: Run, hub: HubServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{unused.getsockname()[1]}")
        path = pulled(run("pull", NAME))
    assert path.parts[-3:] == ("modelscope", "Org", "Tiny-Model")


def test_copy_in_the_cache_does_where_no_hub_can_be_reached(
    run: Run, hub: HubServer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    path = pulled(run("pull", NAME))
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:1")
    monkeypatch.setenv("MODELSCOPE_ENDPOINT", "http://127.0.0.1:1")
    with caplog.at_level(logging.WARNING):
        assert pulled(run("pull", NAME)) == path
    assert "the copy in the cache is taken" in caplog.text


@pytest.mark.parametrize(
    ("source", "english", "chinese"),
    [
        ("huggingface", "has no model Org/Nothing", "没有模型 Org/Nothing"),
        ("modelscope", "has no model Org/Nothing", "没有模型 Org/Nothing"),
    ],
)
def test_unknown_repository(
    run: Run, monkeypatch: pytest.MonkeyPatch, source: str, english: str, chinese: str
) -> None:
    code, _, err = run("pull", "Org/Nothing", "--source", source)
    assert code == 1
    assert english in err
    monkeypatch.setenv("LANGUAGE", "zh")
    assert chinese in run("pull", "Org/Nothing", "--source", source)[2]


@pytest.mark.parametrize("source", ["huggingface", "modelscope"])
def test_unknown_revision(run: Run, source: str) -> None:
    code, _, err = run("pull", NAME, "--source", source, "--revision", "v9")
    assert code == 1
    assert f"{NAME} has no revision v9 on {source}" in err


@pytest.mark.parametrize("source", ["huggingface", "modelscope"])
def test_gated_model_asks_for_terms_and_token(
    run: Run, hub: HubServer, monkeypatch: pytest.MonkeyPatch, source: str
) -> None:
    hub.repositories[NAME].token, hub.repositories[NAME].gated = "secret", True
    code, _, err = run("pull", NAME, "--source", source)
    assert code == 1
    variable = {"huggingface": "HF_TOKEN", "modelscope": "MODELSCOPE_API_TOKEN"}[source]
    assert "accepted its terms" in err
    assert variable in err
    monkeypatch.setenv(variable, "secret")
    pulled(run("pull", NAME, "--source", source))
    assert "secret" not in "".join(path for _, path, _ in hub.requests)


@pytest.mark.parametrize(
    ("status", "says"), [(503, "answered with error 503"), (429, "limits how often")]
)
def test_hub_that_fails(run: Run, hub: HubServer, status: int, says: str) -> None:
    hub.broken = status
    code, out, _ = run("pull", NAME, "--json")
    error = json.loads(out)["error"]
    assert code == 1
    assert error["kind"] == "model_file"
    assert error["message"].count(says) == 2  # both hubs


@pytest.mark.parametrize("source", ["huggingface", "modelscope"])
def test_hub_that_can_not_be_reached(
    run: Run, monkeypatch: pytest.MonkeyPatch, source: str
) -> None:
    for name in ("HF_ENDPOINT", "MODELSCOPE_ENDPOINT"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    code, _, err = run("pull", NAME, "--source", source)
    assert code == 1
    assert f"{source} can't be reached at http://127.0.0.1:1" in err
    assert "HTTPS_PROXY" in err


@pytest.mark.parametrize("source", ["huggingface", "modelscope"])
def test_too_little_room_is_said_before_anything_comes(
    run: Run, hub: HubServer, monkeypatch: pytest.MonkeyPatch, source: str
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=1000))
    code, _, err = run("pull", NAME, "--source", source)
    assert code == 1
    assert "too full for Org/Tiny-Model" in err
    assert not hub.fetched("safetensors")


def test_folder_that_can_not_be_written(run: Run, tmp_path: Path) -> None:
    (tmp_path / "models").write_text("")
    code, _, err = run("pull", NAME)
    assert code == 1
    assert "can't be kept in" in err


def test_several_gguf_models_must_be_chosen_from(run: Run, hub: HubServer) -> None:
    hub.repositories["Org/Tiny-GGUF"] = Repository(
        {f"tiny-{kind}.gguf": b"GGUF" + bytes(20_000) for kind in ("f16", "q4_k_m")}
    )
    code, _, err = run("pull", "Org/Tiny-GGUF")
    assert code == 1
    assert "--include 'tiny-q4_k_m.gguf'" in err
    path = pulled(run("pull", "Org/Tiny-GGUF", "--include", "*q4_k_m.gguf"))
    assert set(contents(path)) == {"tiny-q4_k_m.gguf"}


def test_pattern_that_fits_nothing_lists_the_files(run: Run) -> None:
    assert (
        "has no file like *.gguf. It has: config.json"
        in run("pull", NAME, "--include", "*.gguf")[2]
    )


@pytest.mark.parametrize("path", ["../evil", "/etc/passwd", "a/../../b", ""])
def test_hub_may_not_choose_where_files_go(path: str) -> None:
    with pytest.raises(ModelFileError, match="impossible path"):
        RemoteFile(path, 1)


def test_other_forms_of_the_same_weights_are_left_out() -> None:
    names = ["model.safetensors", "model.bin", "onnx/model.onnx", "original/x.pth", "config.json"]
    chosen = wanted(NAME, [RemoteFile(name, 1) for name in names], ())
    assert [file.path for file in chosen] == ["model.safetensors", "config.json"]


def write_model(folder: Path) -> Path:
    for name in NEEDED:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(FILES[name])
    return folder


def test_path_that_is_already_there_is_checked(run: Run, tmp_path: Path) -> None:
    folder = write_model(tmp_path / "mine")
    assert pulled(run("pull", str(folder))) == folder
    gguf = tmp_path / "own.gguf"
    gguf.write_bytes(b"GGUF....")
    assert pulled(run("pull", str(gguf))) == gguf


@pytest.mark.parametrize(
    ("name", "data", "says"),
    [
        (SHARDS[0], None, "lacks 1 of 2 weight files"),
        (SHARDS[0], FILES[SHARDS[0]][:-5], "bytes instead of"),
        (SHARDS[0], b"version https://git-lfs.github.com/spec/v1\noid sha256:0", "Git LFS pointer"),
        (SHARDS[0], b"", "is no safetensors file"),
        (SHARDS[0], b"<html>log in</html>" * 9, "is no safetensors file"),
        ("model.safetensors.index.json", None, ""),
        ("config.json", None, "has no config.json"),
        ("config.json", b"{", "is broken"),
        ("model.gguf", b"PK", "is no GGUF file"),
    ],
)
def test_incomplete_folder_is_refused(
    tmp_path: Path, name: str, data: bytes | None, says: str
) -> None:
    folder = write_model(tmp_path / "mine")
    if data is None:
        (folder / name).unlink()
    else:
        (folder / name).write_bytes(data)
    if not says:
        assert check_model(folder) == folder
        (folder / SHARDS[1]).unlink()
        says = "lacks 1 of 2 weight files"  # the other's name tells
    with pytest.raises(ModelFileError, match=says):
        check_model(folder)


def test_incomplete_model_is_listed_as_such(run: Run) -> None:
    path = pulled(run("pull", NAME, "--source", "modelscope"))
    (path / SHARDS[0]).unlink()
    out = run("list")[1]
    assert "INCOMPLETE: " in out
    assert cache.find(Settings.load(), NAME, "") is None


@pytest.mark.parametrize("source", ["huggingface", "modelscope"])
def test_download_that_was_broken_off_is_not_taken_for_a_model(
    run: Run, hub: HubServer, source: str
) -> None:
    pulled(run("pull", NAME, "--source", source))
    hub.repositories[NAME].files[SHARDS[1]] = safetensors(150_000, 3)
    hub.repositories[NAME].cut[SHARDS[1]] = 0
    assert run("pull", NAME, "--source", source)[0] == 1
    assert cache.find(Settings.load(), NAME, "") is None
    assert "was broken off" in run("list")[1]


def test_commit_is_found_again(run: Run) -> None:
    path = pulled(run("pull", NAME, "--revision", COMMIT))
    kept = cache.find(Settings.load(), NAME, COMMIT)
    assert kept is not None
    assert kept.path == path


def test_options_that_do_not_go_with_a_path(run: Run, tmp_path: Path) -> None:
    folder = write_model(tmp_path / "mine")
    code, _, err = run("pull", str(folder), "--revision", "v1")
    assert code == 2
    assert "--revision goes with ORGANISATION/NAME only" in err


@pytest.mark.parametrize(
    ("name", "code", "says"),
    [
        ("dashscope:qwen-plus", 2, "has no files to fetch"),
        ("no/such/path", 1, "no file or folder"),
        ("gpt-9", 1, "no embedded chat model"),
        ("missing.gguf", 1, "can't be read"),
    ],
)
def test_names_that_mean_nothing(run: Run, name: str, code: int, says: str) -> None:
    found, _, err = run("pull", name)
    assert (found, says in err) == (code, True), err


def test_without_a_name_the_models_of_the_settings_come(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHAT_MODEL", f"huggingface:{NAME},dashscope:qwen-plus")
    monkeypatch.setenv("RERANK_MODEL", f"hf:{NAME}")
    out = json.loads(run("pull", "--json")[1])
    assert out["path"].endswith(COMMIT)
    monkeypatch.setenv("CHAT_MODEL", "dashscope:qwen-plus")
    monkeypatch.setenv("RERANK_MODEL", "none")
    assert "nothing to fetch" in run("pull")[1]


def test_checksums_of_the_tests_server_are_gits() -> None:
    assert git_sha1(b"hello\n") == "ce013625030ba8dba906f756967f9e9ca394464a"
    assert sha256(b"").startswith("e3b0c442")
