"""The table of model providers: what stands before the colon of ``provider:model``.

One row each: where the service is, which variable holds its key, how it is spoken to, and what is
peculiar to it. Settings, ``auto``, chat, embeddings and rerank all read this one table; a new
OpenAI-compatible service is a new row and its lines in ``.env.example``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

#: What a row's ``speaks`` may be.
OPENAI, OLLAMA, IN_PROCESS, EMBEDDED, TEI = "openai", "ollama", "in-process", "embedded", "tei"

#: How thinking is switched in the request's body, by name: the services don't agree.
THINKING: dict[str, Callable[[bool], dict[str, object]]] = {
    "enable_thinking": lambda on: {"enable_thinking": on},
    "thinking": lambda on: {"thinking": {"type": "enabled" if on else "disabled"}},
    "chat_template": lambda on: {"chat_template_kwargs": {"enable_thinking": on}},
}


@dataclass(frozen=True)
class Provider:
    """One row.

    ``chat``, ``embedding`` and ``rerank`` say whether it serves such models; where they are
    a string, it is the model that ``auto`` takes.
    """

    name: str
    speaks: str = OPENAI
    base_url: str = ""
    variable: str = ""  # prefix of its settings: {variable}_BASE_URL, {variable}_API_KEY
    keyed: bool = True  # it has keys at all
    key_needed: bool = False
    also: tuple[str, ...] = ()  # other names it goes by
    chat: str | bool = False
    embedding: str | bool = False
    rerank: str | bool = False
    thinking: str = ""  # a key of THINKING, where it can be switched
    #: Models that think whatever they are told (so a short answer needs more tokens).
    always_thinks: str = ""
    #: Models that refuse or ignore temperature and top_p.
    fixed_sampling: str = ""
    length_field: str = "max_tokens"
    top_k: bool = False
    embedding_batch: int = 64  # texts in one call, the documented limit
    concurrency: int = 4  # calls at a time
    rerank_path: str = "/rerank"  # after the base URL, or an absolute path of the same host

    @property
    def settings(self) -> tuple[str, ...]:
        """The names of its settings."""
        if not self.variable:
            return ()
        key = (f"{self.variable}_API_KEY",) if self.keyed else ()
        return (f"{self.variable}_BASE_URL", *key)


LOCAL = "local"

TABLE: tuple[Provider, ...] = (
    Provider(LOCAL, EMBEDDED, chat=True, embedding=True),
    Provider(
        "vllm",
        base_url="http://127.0.0.1:6006/v1",
        variable="VLLM",
        chat=True,
        embedding=True,
        rerank=True,
        thinking="chat_template",
        top_k=True,
    ),
    Provider(
        "ollama",
        OLLAMA,
        base_url="http://127.0.0.1:11434",
        variable="OLLAMA",
        keyed=False,
        chat=True,
        embedding=True,
        top_k=True,
    ),
    Provider("huggingface", IN_PROCESS, also=("hf",), chat=True, embedding=True, rerank=True),
    Provider(
        "dashscope",
        base_url="https://dashscope.aliyuncs.com/compatible-mode/v1",
        variable="DASHSCOPE",
        key_needed=True,
        also=("qwen",),
        chat="qwen-plus",
        embedding="text-embedding-v4",
        rerank="qwen3-rerank",
        thinking="enable_thinking",
        always_thinks=r"^qwq|thinking|^deepseek-r1",
        top_k=True,
        embedding_batch=10,
        rerank_path="/compatible-api/v1/reranks",
    ),
    Provider(
        "deepseek",
        base_url="https://api.deepseek.com/v1",
        variable="DEEPSEEK",
        key_needed=True,
        chat="deepseek-chat",
        thinking="thinking",
        always_thinks=r"reasoner",
        fixed_sampling=r"reasoner",
    ),
    Provider(
        "openai",
        base_url="https://api.openai.com/v1",
        variable="OPENAI",
        key_needed=True,
        chat="gpt-4o-mini",
        embedding="text-embedding-3-large",
        always_thinks=r"^o\d|^gpt-5(?!.*chat)",
        fixed_sampling=r"^o\d|^gpt-5(?!.*chat)",
        length_field="max_completion_tokens",
        embedding_batch=256,
    ),
    Provider(
        "zhipu",
        base_url="https://open.bigmodel.cn/api/paas/v4",
        variable="ZHIPU",
        key_needed=True,
        also=("glm",),
        chat="glm-4-flash",
        embedding="embedding-3",
        rerank="rerank",
        thinking="thinking",
        always_thinks=r"^glm-z1",
    ),
    Provider(
        "kimi",
        base_url="https://api.moonshot.cn/v1",
        variable="MOONSHOT",
        key_needed=True,
        also=("moonshot",),
        chat="kimi-latest",
        always_thinks=r"thinking",
    ),
    Provider(
        "doubao",
        base_url="https://ark.cn-beijing.volces.com/api/v3",
        variable="ARK",
        key_needed=True,
        also=("ark", "volcengine"),
        chat=True,
        embedding=True,
        thinking="thinking",
        always_thinks=r"thinking",
    ),
    Provider(
        "siliconflow",
        base_url="https://api.siliconflow.cn/v1",
        variable="SILICONFLOW",
        key_needed=True,
        chat="Qwen/Qwen3-8B",
        embedding="BAAI/bge-m3",
        rerank="BAAI/bge-reranker-v2-m3",
        thinking="enable_thinking",
        always_thinks=r"DeepSeek-R1|QwQ|Thinking",
        top_k=True,
        embedding_batch=32,
    ),
    Provider(
        "ppio",
        base_url="https://api.ppinfra.com/v3/openai",
        variable="PPIO",
        key_needed=True,
        chat="qwen/qwen3-32b-fp8",
        embedding="baai/bge-m3",
        always_thinks=r"deepseek-r1|thinking",
        top_k=True,
    ),
    Provider(
        "sensenova",
        base_url="https://api.sensenova.cn/compatible-mode/v1",
        variable="SENSENOVA",
        key_needed=True,
        also=("sensetime",),
        chat="SenseChat-5",
    ),
    Provider(
        "jina",
        base_url="https://api.jina.ai/v1",
        variable="JINA",
        key_needed=True,
        embedding="jina-embeddings-v3",
        rerank="jina-reranker-v2-base-multilingual",
    ),
    Provider(
        "tei",
        TEI,
        base_url="http://127.0.0.1:8080",
        variable="TEI",
        embedding=True,
        rerank=True,
        embedding_batch=32,
    ),
)

PROVIDERS: dict[str, Provider] = {name: row for row in TABLE for name in (row.name, *row.also)}
