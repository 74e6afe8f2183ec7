"""``python app.py`` where it must not start: one clear line and the right exit code."""

import socket
from pathlib import Path

import pytest

from assistant.errors import SettingsError
from assistant.settings import Settings
from assistant.ui.serving import address, open_socket
from tests.browser import running_app


def test_a_taken_port_is_said_in_one_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with running_app(DATA_DIR=tmp_path / "data", PORT=port, LANGUAGE="en") as app:
            assert app.end() == 1
    assert app.said.splitlines() == [app.said.strip()]
    assert f"Port {port} on 127.0.0.1 can't be used" in app.said
    assert "PORT in .env" in app.said
    assert not (tmp_path / "data").exists(), "nothing was begun"


def test_without_a_login_it_stays_on_this_machine(tmp_path: Path) -> None:
    with running_app(DATA_DIR=tmp_path, HOST="0.0.0.0", LANGUAGE="zh") as app:
        assert app.end() == 2
    assert "HOST 的值是 0.0.0.0" in app.said
    assert "HOST=127.0.0.1" in app.said
    assert "Traceback" not in app.said


@pytest.mark.parametrize(
    ("setting", "value", "advice"),
    [
        ("PORT", "http", "PORT"),
        ("CHAT_MODEL", "gpt", "provider:model"),
        ("CHAT_MODEL", "dashscope:qwen-plus", "DASHSCOPE_API_KEY"),
    ],
)
def test_a_wrong_setting_is_named(tmp_path: Path, setting: str, value: str, advice: str) -> None:
    with running_app(DATA_DIR=tmp_path, **{setting: value}) as app:
        assert app.end() == 2
    assert setting in app.said
    assert advice in app.said
    assert "Traceback" not in app.said


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_loopback_addresses_are_served(host: str) -> None:
    with open_socket(Settings.load({"HOST": host, "PORT": "0"}, None)) as opened:
        assert address(opened) == f"http://127.0.0.1:{opened.getsockname()[1]}"


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "example.org", "127.0.0.1.evil"])
def test_other_addresses_are_refused(host: str) -> None:
    with pytest.raises(SettingsError, match="no login"):
        open_socket(Settings.load({"HOST": host, "PORT": "0"}, None))
