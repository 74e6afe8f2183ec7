"""Settings: the environment and ``.env``, read once, validated, frozen.

Each setting is one row of :data:`SETTINGS`; ``.env.example`` documents every row (a test holds
the two together). Relative paths resolve against the repository, not the working directory,
because cron's differs.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from dotenv import dotenv_values

from assistant.errors import SettingsError

ROOT = Path(__file__).resolve().parent.parent


def _text(value: str) -> str:
    return value


def _path(value: str) -> Path:
    return (ROOT / Path(value).expanduser()).resolve()


def _models_path(value: str) -> Path:
    if value:
        return _path(value)
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache) / "conversational-rag" / "models"


def _integer(low: int, high: int) -> Callable[[str], int]:
    def parse(value: str) -> int:
        if not value.lstrip("-").isdigit() or not low <= int(value) <= high:
            raise ValueError(f"a whole number from {low} to {high}", f"{low} 到 {high} 之间的整数")
        return int(value)

    return parse


def _decimal(low: float, high: float) -> Callable[[str], float]:
    def parse(value: str) -> float:
        try:
            number = float(value)
        except ValueError:
            number = float("nan")
        if not low <= number <= high:
            raise ValueError(f"a number from {low:g} to {high:g}", f"{low:g} 到 {high:g} 之间的数")
        return number

    return parse


def _choice(*names: str) -> Callable[[str], str]:
    def parse(value: str) -> str:
        if value not in names:
            raise ValueError("one of " + ", ".join(names), "以下之一：" + "、".join(names))
        return value

    return parse


def _several(*names: str) -> Callable[[str], tuple[str, ...]]:
    def parse(value: str) -> tuple[str, ...]:
        items = tuple(item.strip() for item in value.split(",") if item.strip())
        if not items or not set(items) <= set(names):
            raise ValueError(
                "a comma-separated list out of " + ", ".join(names),
                "用逗号分隔的列表，可选：" + "、".join(names),
            )
        return items

    return parse


def _url(*schemes: str) -> Callable[[str], str]:
    def parse(value: str) -> str:
        if value and (urlsplit(value).scheme not in schemes or len(value.split("://")[1]) == 0):
            forms = ", ".join(f"{scheme}://..." for scheme in schemes)
            raise ValueError(f"empty or a URL like {forms}", f"留空或形如 {forms} 的地址")
        return value.rstrip("/")

    return parse


def _model(value: str) -> str:
    if value and ":" not in value and value not in ("auto", "none"):
        raise ValueError(
            'a "provider:model" string such as local: or dashscope:qwen-plus',
            '"服务:模型" 形式，例如 local: 或 dashscope:qwen-plus',
        )
    return value


@dataclass(frozen=True)
class Setting:
    """One row: the name in the environment, its default as text, and how it is read."""

    name: str
    default: str
    parse: Callable[[str], object]
    secret: bool = False


@dataclass(frozen=True)
class Settings:
    """All settings, validated. Field names are the environment's names in lower case."""

    host: str
    port: int
    language: str
    data_dir: Path
    model_dir: Path
    model_sources: tuple[str, ...]
    hf_endpoint: str
    redis_url: str
    chat_model: str
    rewrite_model: str
    embedding_model: str
    rerank_model: str
    vector_index: str
    vector_metric: str
    vector_precision: str
    temperature: float
    max_tokens: int
    model_timeout: float
    openai_base_url: str
    openai_api_key: str
    vllm_base_url: str
    vllm_api_key: str
    dashscope_base_url: str
    dashscope_api_key: str
    deepseek_base_url: str
    deepseek_api_key: str
    ollama_base_url: str
    local_threads: int
    local_context: int
    first_token_seconds: float
    context_tokens: int
    history_tokens: int
    retrieve_k: int
    chunk_tokens: int
    chunk_overlap: int
    max_file_mb: int
    user_agent: str
    grace_seconds: float
    log_level: str

    @classmethod
    def load(
        cls, environment: Mapping[str, str] | None = None, env_file: Path | None = ROOT / ".env"
    ) -> Settings:
        """Read ``env_file`` and then ``environment`` (which wins; default ``os.environ``).

        Raises:
            SettingsError: a value can't be used, with every bad one listed; or ``env_file``
                isn't UTF-8.
        """
        given: dict[str, str | None] = {}
        if env_file is not None and env_file.is_file():
            try:
                given.update(dotenv_values(env_file, encoding="utf-8-sig"))
            except UnicodeDecodeError as error:
                raise SettingsError(
                    "{file} is not UTF-8 text: save it as UTF-8.",
                    "{file} 不是 UTF-8 编码：请另存为 UTF-8。",
                    file=env_file,
                ) from error
        given.update(os.environ if environment is None else environment)
        values: dict[str, object] = {}
        english: list[str] = []
        chinese: list[str] = []
        for row in SETTINGS:
            text = (given.get(row.name) or "").strip() or row.default
            try:
                values[row.name.lower()] = row.parse(text)
            except ValueError as error:
                shown = "(hidden)" if row.secret else repr(text)
                english.append(f"{row.name} is {shown}; expected {error.args[0]}.")
                chinese.append(f"{row.name} 的值是 {shown}；应为{error.args[1]}。")
        if english:
            raise SettingsError(
                "{en}\nChange it in .env (see .env.example).",
                "{zh}\n请在 .env 中修改（参见 .env.example）。",
                en="\n".join(english),
                zh="\n".join(chinese),
            )
        settings = cls(**values)  # type: ignore[arg-type]
        settings._check_together()
        return settings

    def _check_together(self) -> None:
        if self.chunk_overlap * 2 > self.chunk_tokens:
            raise SettingsError(
                "CHUNK_OVERLAP is {overlap}, more than half of CHUNK_TOKENS ({size}): "
                "make it smaller in .env.",
                "CHUNK_OVERLAP 是 {overlap}，超过 CHUNK_TOKENS（{size}）的一半：请在 .env 中调小。",
                overlap=self.chunk_overlap,
                size=self.chunk_tokens,
            )

    @property
    def run_dir(self) -> Path:
        """Locks and addresses of the embedded servers."""
        return self.data_dir / "run"

    @property
    def log_dir(self) -> Path:
        return self.data_dir / "logs"

    @property
    def upload_dir(self) -> Path:
        return self.data_dir / "uploads"


SETTINGS: tuple[Setting, ...] = (
    # Web app
    Setting("HOST", "127.0.0.1", _text),
    Setting("PORT", "7860", _integer(0, 65535)),
    Setting("LANGUAGE", "auto", _choice("auto", "zh", "en")),
    # Folders
    Setting("DATA_DIR", "data", _path),
    Setting("MODEL_DIR", "", _models_path),
    Setting(
        "MODEL_SOURCES",
        "huggingface,modelscope,index",
        _several("huggingface", "modelscope", "index"),
    ),
    Setting("HF_ENDPOINT", "https://huggingface.co", _url("http", "https")),
    # Long-term memory
    Setting("REDIS_URL", "", _url("redis", "rediss", "unix")),
    # Models
    Setting("CHAT_MODEL", "local:qwen2.5-coder-1.5b", _model),
    Setting("REWRITE_MODEL", "", _model),
    Setting("EMBEDDING_MODEL", "local:multilingual-e5-small", _model),
    Setting("RERANK_MODEL", "none", _model),
    # Vectors; the names are those of knowledge/index/kinds.py and knowledge/vectors.py
    Setting(
        "VECTOR_INDEX",
        "auto",
        _choice("auto", "flat", "sq8", "ivf", "ivf-sq8", "ivf-pq", "hnsw", "hnsw-sq8"),
    ),
    Setting("VECTOR_METRIC", "cosine", _choice("cosine", "ip", "l2")),
    Setting("VECTOR_PRECISION", "float32", _choice("float32", "int8", "binary")),
    Setting("TEMPERATURE", "0.2", _decimal(0, 2)),
    Setting("MAX_TOKENS", "512", _integer(16, 32768)),
    Setting("MODEL_TIMEOUT", "120", _decimal(1, 3600)),
    # Services
    Setting("OPENAI_BASE_URL", "https://api.openai.com/v1", _url("http", "https")),
    Setting("OPENAI_API_KEY", "", _text, secret=True),
    Setting("VLLM_BASE_URL", "http://127.0.0.1:6006/v1", _url("http", "https")),
    Setting("VLLM_API_KEY", "", _text, secret=True),
    Setting(
        "DASHSCOPE_BASE_URL",
        "https://dashscope.aliyuncs.com/compatible-mode/v1",
        _url("http", "https"),
    ),
    Setting("DASHSCOPE_API_KEY", "", _text, secret=True),
    Setting("DEEPSEEK_BASE_URL", "https://api.deepseek.com/v1", _url("http", "https")),
    Setting("DEEPSEEK_API_KEY", "", _text, secret=True),
    Setting("OLLAMA_BASE_URL", "http://127.0.0.1:11434/v1", _url("http", "https")),
    # The embedded chat model
    Setting("LOCAL_THREADS", "0", _integer(0, 256)),
    Setting("LOCAL_CONTEXT", "4096", _integer(1024, 131072)),
    # Conversation
    Setting("FIRST_TOKEN_SECONDS", "6", _decimal(1, 600)),
    Setting("CONTEXT_TOKENS", "0", _integer(0, 131072)),
    Setting("HISTORY_TOKENS", "600", _integer(64, 32768)),
    Setting("RETRIEVE_K", "6", _integer(1, 50)),
    # Documents
    Setting("CHUNK_TOKENS", "256", _integer(32, 480)),
    Setting("CHUNK_OVERLAP", "32", _integer(0, 240)),
    Setting("MAX_FILE_MB", "100", _integer(1, 4096)),
    Setting(
        "USER_AGENT", "ConversationalRAG/1.0 (+set USER_AGENT in .env to name your contact)", _text
    ),
    # Running
    Setting("GRACE_SECONDS", "20", _decimal(0, 3600)),
    Setting("LOG_LEVEL", "INFO", _choice("DEBUG", "INFO", "WARNING", "ERROR")),
)
