"""Settings: defaults, validation, and that each one is documented."""

from dataclasses import fields
from pathlib import Path

import pytest
from dotenv import dotenv_values

from assistant.errors import SettingsError
from assistant.settings import ROOT, SETTINGS, Settings


def test_env_example_documents_every_setting_with_its_default() -> None:
    documented = dotenv_values(ROOT / ".env.example")
    assert documented == {row.name: row.default for row in SETTINGS}


def test_each_row_is_a_field() -> None:
    rows = [row.name.lower() for row in SETTINGS if not row.service]
    assert [*rows, "services", "given"] == [field.name for field in fields(Settings)]
    assert "KEY" not in str([field.name for field in fields(Settings) if field.repr])


def test_keys_and_addresses_of_services_are_kept_by_their_names() -> None:
    settings = Settings.load({"DASHSCOPE_API_KEY": "secret", "VLLM_BASE_URL": "http://g/v1/"}, None)
    assert settings.services["DASHSCOPE_API_KEY"] == "secret"
    assert settings.services["VLLM_BASE_URL"] == "http://g/v1"
    assert settings.given == {"DASHSCOPE_API_KEY", "VLLM_BASE_URL"}
    assert "secret" not in repr(settings)


def test_defaults_are_sound() -> None:
    settings = Settings.load({}, env_file=None)
    assert settings.data_dir == ROOT / "data"
    assert settings.chat_model.startswith("local:")


def test_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    env_file = tmp_path / ".env"
    env_file.write_text("PORT=1111\nDATA_DIR=数据\n", "utf-8")
    settings = Settings.load({"PORT": "2222"}, env_file)
    assert (settings.port, settings.data_dir) == (2222, ROOT / "数据")


@pytest.mark.parametrize(
    ("name", "value", "advice"),
    [
        ("PORT", "http", "a whole number from 0 to 65535"),
        ("TEMPERATURE", "hot", "a number from 0 to 2"),
        ("TEMPERATURE", "nan", "a number from 0 to 2"),
        ("LANGUAGE", "fr", "auto, zh, en"),
        ("MODEL_SOURCES", "hub", "huggingface, modelscope, index"),
        ("REDIS_URL", "127.0.0.1:6379", "redis://"),
        ("REDIS_URL", "redis://", "redis://"),
        ("ENABLE_THINKING", "maybe", "on or off"),
        ("EXTRA_BODY", "[1]", "a JSON object"),
        ("OPENAI_BASE_URL", "api.openai.com", "https://"),
    ],
)
def test_a_bad_value_says_what_to_change(name: str, value: str, advice: str) -> None:
    with pytest.raises(SettingsError) as caught:
        Settings.load({name: value}, env_file=None)
    assert name in str(caught.value) and advice in str(caught.value)
    assert name in caught.value.text("zh") and ".env" in caught.value.text("zh")


def test_all_bad_values_are_told_at_once() -> None:
    with pytest.raises(SettingsError) as caught:
        Settings.load({"PORT": "x", "MAX_TOKENS": "-1"}, env_file=None)
    assert "PORT" in str(caught.value) and "MAX_TOKENS" in str(caught.value)


def test_overlap_must_fit_the_chunk() -> None:
    with pytest.raises(SettingsError, match="CHUNK_OVERLAP is 60"):
        Settings.load({"CHUNK_TOKENS": "64", "CHUNK_OVERLAP": "60"}, env_file=None)


def test_a_file_that_is_not_utf8_is_refused(tmp_path: Path) -> None:
    env_file = tmp_path / ".env"
    env_file.write_bytes("PORT=1\n# 端口".encode("gb18030"))
    with pytest.raises(SettingsError, match="UTF-8"):
        Settings.load({}, env_file)


def test_the_names_for_vectors_are_those_of_the_knowledge_base() -> None:
    from assistant.knowledge.index.kinds import AUTO, KINDS
    from assistant.knowledge.vectors import METRICS, PRECISIONS

    for name, known in (
        ("VECTOR_INDEX", (AUTO, *KINDS)),
        ("VECTOR_METRIC", METRICS),
        ("VECTOR_PRECISION", PRECISIONS),
    ):
        (row,) = [row for row in SETTINGS if row.name == name]
        for value in known:
            assert row.parse(value) == value
        with pytest.raises(ValueError, match=", ".join(known)):
            row.parse("other")
