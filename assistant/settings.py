"""Settings: the environment and ``.env``, read once, validated, frozen.

Each setting is one row of :data:`SETTINGS`; ``.env.example`` documents every row (a test holds
the two together). Relative paths resolve against the repository, not the working directory,
because cron's differs.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from dotenv import dotenv_values

from assistant import setting_values as values
from assistant.errors import SettingsError
from assistant.memory.url import redis_url
from assistant.providers import TABLE

ROOT = values.ROOT


@dataclass(frozen=True)
class Setting:
    """One row: the name in the environment, its default as text, and how it is read."""

    name: str
    default: str
    parse: Callable[[str], object]
    secret: bool = False
    service: bool = False  # of a provider: kept in Settings.services


@dataclass(frozen=True)
class Settings:
    """All settings, validated. Field names are the environment's names in lower case."""

    host: str
    port: int
    language: str
    share: bool
    auth: str
    session_idle_hours: float
    session_days: float
    auth_proxy_from: tuple[str, ...]
    auth_proxy_header: str
    auth_proxy_roles: str
    auth_default_role: str
    oidc_issuer: str
    oidc_client_id: str
    oidc_client_secret: str = field(repr=False)
    oidc_user_claim: str
    oidc_roles_claim: str
    data_dir: Path
    model_dir: Path
    model_sources: tuple[str, ...]
    hf_endpoint: str
    redis_url: str
    memory_days: int
    memory_turns: int
    memory_facts: int
    chat_model: str
    chat_models: tuple[str, ...]
    rewrite_model: str
    embedding_model: str
    rerank_model: str
    rerank_seconds: float
    vector_index: str
    vector_metric: str
    vector_precision: str
    models_file: Path
    temperature: float | None
    max_tokens: int | None
    top_p: float | None
    top_k: int | None
    context_window: int | None
    enable_thinking: bool | None
    extra_body: Mapping[str, object] | None
    model_timeout: float
    model_retries: int
    embedding_cache_mb: int
    local_threads: int
    local_context: int
    first_token_seconds: float
    context_tokens: int
    history_tokens: int
    retrieve_k: int
    own_knowledge: bool
    chunk_tokens: int
    chunk_overlap: int
    max_file_mb: int
    user_agent: str
    questions_at_once: int
    questions_per_user: int
    questions_per_minute: int
    queue_length: int
    grace_seconds: float
    shutdown_seconds: float
    log_level: str
    log_format: str
    metrics_from: tuple[str, ...]
    otel_exporter_otlp_endpoint: str
    #: Addresses and keys of the providers, by the names of their settings.
    services: Mapping[str, str] = field(repr=False)
    #: Names of the settings that the user set: ``auto`` goes by them.
    given: frozenset[str]

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
        found: dict[str, object] = {}
        services: dict[str, str] = {}
        english: list[str] = []
        chinese: list[str] = []
        for row in SETTINGS:
            text = (given.get(row.name) or "").strip() or row.default
            try:
                value = row.parse(text)
            except ValueError as error:
                shown = "(hidden)" if row.secret else repr(text)
                english.append(f"{row.name} is {shown}; expected {error.args[0]}.")
                chinese.append(f"{row.name} 的值是 {shown}；应为{error.args[1]}。")
                continue
            if row.service:
                services[row.name] = str(value)
            else:
                found[row.name.lower()] = value
        if english:
            raise SettingsError(
                "{en}\nChange it in .env (see .env.example).",
                "{zh}\n请在 .env 中修改（参见 .env.example）。",
                en="\n".join(english),
                zh="\n".join(chinese),
            )
        present = frozenset(row.name for row in SETTINGS if (given.get(row.name) or "").strip())
        settings = cls(**found, services=services, given=present)  # type: ignore[arg-type]
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
    def session_dir(self) -> Path:
        """Who is logged in."""
        return self.data_dir / "sessions"

    @property
    def upload_dir(self) -> Path:
        return self.data_dir / "uploads"


def _service_settings() -> list[Setting]:
    rows = []
    for provider in TABLE:
        for name in provider.settings:
            if name.endswith("_API_KEY"):
                rows.append(Setting(name, "", values.text, secret=True, service=True))
            else:
                url = values.url("http", "https")
                rows.append(Setting(name, provider.base_url, url, service=True))
    return rows


SETTINGS: tuple[Setting, ...] = (
    # Web app
    Setting("HOST", "127.0.0.1", values.text),
    Setting("PORT", "7860", values.integer(0, 65535)),
    Setting("LANGUAGE", "auto", values.choice("auto", "zh", "en")),
    Setting("SHARE", "off", values.switch),
    # Users; the roles are those of users/identity.py
    Setting("AUTH", "auto", values.choice("auto", "users", "proxy", "oidc", "off")),
    Setting("SESSION_IDLE_HOURS", "24", values.decimal(0.01, 8760)),
    Setting("SESSION_DAYS", "14", values.decimal(0.01, 365)),
    Setting("AUTH_PROXY_FROM", "", values.networks),
    Setting("AUTH_PROXY_HEADER", "", values.header),
    Setting("AUTH_PROXY_ROLES", "", values.header),
    Setting("AUTH_DEFAULT_ROLE", "reader", values.choice("none", "reader", "editor", "admin")),
    Setting("OIDC_ISSUER", "", values.url("https", "http")),
    Setting("OIDC_CLIENT_ID", "", values.text),
    Setting("OIDC_CLIENT_SECRET", "", values.text, secret=True),
    Setting("OIDC_USER_CLAIM", "preferred_username", values.text),
    Setting("OIDC_ROLES_CLAIM", "", values.text),
    # Folders
    Setting("DATA_DIR", "data", values.path),
    Setting("MODEL_DIR", "", values.models_path),
    Setting(
        "MODEL_SOURCES",
        "huggingface,modelscope,index",
        values.several("huggingface", "modelscope", "index"),
    ),
    Setting("HF_ENDPOINT", "https://huggingface.co", values.url("http", "https")),
    # Long-term memory
    Setting("REDIS_URL", "", redis_url, secret=True),
    Setting("MEMORY_DAYS", "0", values.integer(0, 36500)),
    Setting("MEMORY_TURNS", "20000", values.integer(100, 1_000_000)),
    Setting("MEMORY_FACTS", "500", values.integer(10, 10_000)),
    # Models
    Setting("CHAT_MODEL", "local:qwen2.5-coder-1.5b", values.text),
    Setting("CHAT_MODELS", "", values.listed),
    Setting("REWRITE_MODEL", "", values.text),
    Setting("EMBEDDING_MODEL", "local:multilingual-e5-small", values.text),
    Setting("RERANK_MODEL", "none", values.text),
    Setting("RERANK_SECONDS", "2", values.decimal(0.1, 60)),
    # Vectors; the names are those of knowledge/index/kinds.py and knowledge/vectors.py
    Setting(
        "VECTOR_INDEX",
        "auto",
        values.choice("auto", "flat", "sq8", "ivf", "ivf-sq8", "ivf-pq", "hnsw", "hnsw-sq8"),
    ),
    Setting("VECTOR_METRIC", "cosine", values.choice("cosine", "ip", "l2")),
    Setting("VECTOR_PRECISION", "float32", values.choice("float32", "int8", "binary")),
    # Of chat models; empty: the default of each provider, models/options.py
    Setting("MODELS_FILE", "models.toml", values.path),
    Setting("TEMPERATURE", "", values.optional(values.decimal(0, 2))),
    Setting("MAX_TOKENS", "", values.optional(values.integer(16, 131072))),
    Setting("TOP_P", "", values.optional(values.decimal(0.01, 1))),
    Setting("TOP_K", "", values.optional(values.integer(1, 1000))),
    Setting("CONTEXT_WINDOW", "", values.optional(values.integer(1024, 10_000_000))),
    Setting("ENABLE_THINKING", "", values.optional(values.switch)),
    Setting("EXTRA_BODY", "", values.optional(values.json_object)),
    Setting("MODEL_TIMEOUT", "120", values.decimal(1, 3600)),
    Setting("MODEL_RETRIES", "2", values.integer(0, 10)),
    Setting("EMBEDDING_CACHE_MB", "256", values.integer(0, 65536)),
    # Services
    *_service_settings(),
    Setting("HF_TOKEN", "", values.text, secret=True, service=True),
    Setting(
        "MODELSCOPE_ENDPOINT", "https://modelscope.cn", values.url("http", "https"), service=True
    ),
    Setting("MODELSCOPE_API_TOKEN", "", values.text, secret=True, service=True),
    # The embedded chat model
    Setting("LOCAL_THREADS", "0", values.integer(0, 256)),
    Setting("LOCAL_CONTEXT", "4096", values.integer(1024, 131072)),
    # Conversation
    Setting("FIRST_TOKEN_SECONDS", "6", values.decimal(1, 600)),
    Setting("CONTEXT_TOKENS", "0", values.integer(0, 131072)),
    Setting("HISTORY_TOKENS", "600", values.integer(64, 32768)),
    Setting("RETRIEVE_K", "6", values.integer(1, 50)),
    Setting("OWN_KNOWLEDGE", "off", values.switch),
    # Documents
    Setting("CHUNK_TOKENS", "256", values.integer(32, 480)),
    Setting("CHUNK_OVERLAP", "32", values.integer(0, 240)),
    Setting("MAX_FILE_MB", "100", values.integer(1, 4096)),
    Setting(
        "USER_AGENT",
        "ConversationalRAG/1.0 (+set USER_AGENT in .env to name your contact)",
        values.text,
    ),
    # Limits; 0: at once as the model can, limits.py; of a user none
    Setting("QUESTIONS_AT_ONCE", "0", values.integer(0, 1000)),
    Setting("QUESTIONS_PER_USER", "8", values.integer(0, 1000)),
    Setting("QUESTIONS_PER_MINUTE", "60", values.integer(0, 10_000)),
    Setting("QUEUE_LENGTH", "200", values.integer(0, 10_000)),
    # Running
    Setting("GRACE_SECONDS", "20", values.decimal(0, 3600)),
    Setting("SHUTDOWN_SECONDS", "15", values.decimal(0, 3600)),
    Setting("LOG_LEVEL", "INFO", values.choice("DEBUG", "INFO", "WARNING", "ERROR")),
    Setting("LOG_FORMAT", "text", values.choice("text", "json")),
    Setting("METRICS_FROM", "", values.networks),
    Setting("OTEL_EXPORTER_OTLP_ENDPOINT", "", values.url("http", "https")),
)
