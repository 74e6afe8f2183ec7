"""Record what the real vLLM server says on the wire, for the tests that replay it.

    python -m tests.vllm_cpu.record

Writes ``tests/samples/wire/vllm``: an exchange as ``NAME.json`` (request, status, content type,
body), a stream as ``NAME.sse``, byte for byte, after a comment with its request. Long strings and
vectors are cut short with "..." and the folder of the model isn't told.
"""

from __future__ import annotations

import json
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from assistant.settings import ROOT
from tests.vllm_server import VllmServer, vllm_server

SAMPLES = ROOT / "tests" / "samples" / "wire" / "vllm"
CHAT, LONG = "/v1/chat/completions", "hello " * 5000
LONGEST_TEXT, LONGEST_LIST = 1200, 8
#: The metrics that tell how a server is doing.
METRICS = (
    "num_requests_running",
    "num_requests_waiting",
    "kv_cache_usage_perc",
    "prefix_cache_queries_total",
    "prefix_cache_hits_total",
    "prompt_tokens_total",
    "generation_tokens_total",
    "request_success_total",
    "time_to_first_token_seconds_sum",
    "time_to_first_token_seconds_count",
    "inter_token_latency_seconds_sum",
    "inter_token_latency_seconds_count",
)
WEATHER = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": "The weather in a city",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}},
            "required": ["city"],
        },
    },
}
CITY = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
THOUGHT = {"regex": r"<think>Two and two\.</think>It is 4\."}


@dataclass
class Recorder:
    """Sends one request after another to ``server`` and writes down what came."""

    server: VllmServer
    client: httpx.Client

    def post(self, name: str, path: str, body: dict[str, Any], key: str | None = "") -> None:
        """``key``: another than the server's; None sends none."""
        self._write(name, "POST", path, {"model": self.server.model, **body}, key)

    def get(self, name: str, path: str, key: str | None = "") -> None:
        self._write(name, "GET", path, None, key)

    def chat(self, name: str, said: str, **options: Any) -> None:
        body = {"messages": [{"role": "user", "content": said}], "temperature": 0, **options}
        self.post(name, CHAT, body)

    def _write(
        self, name: str, method: str, path: str, body: dict[str, Any] | None, key: str | None
    ) -> None:
        token = self.server.key if key == "" else key
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        answer = self.client.request(
            method, self.server.root + path, json=body, headers=headers, timeout=300
        )
        request = {"method": method, "path": path, "body": _short(body)}
        kind = answer.headers["content-type"]
        if kind.startswith("text/event-stream"):
            comment = f": {json.dumps(request, ensure_ascii=False)}\n\n"
            (SAMPLES / f"{name}.sse").write_bytes(comment.encode() + answer.content)
            return
        record = {
            "request": request,
            "status": answer.status_code,
            "content_type": kind,
            "body": _short(answer.json()),
        }
        text = json.dumps(record, ensure_ascii=False, indent=1)
        (SAMPLES / f"{name}.json").write_text(text + "\n", "utf-8")


def _short(value: Any) -> Any:
    if isinstance(value, str) and len(value) > LONGEST_TEXT:
        return value[:40] + "..."
    if isinstance(value, list):
        numbers = bool(value) and isinstance(value[0], int | float)
        if numbers and len(value) > LONGEST_LIST:
            return [*value[:LONGEST_LIST], "..."]
        return [_short(item) for item in value]
    if isinstance(value, dict):
        hidden = {"root": "MODEL-FOLDER"} if "root" in value else {}
        return {name: _short(item) for name, item in value.items()} | hidden
    return value


def _record_chat(to: Recorder) -> None:
    to.get("models", "/v1/models")
    to.get("version", "/version")
    to.post("tokenize-prompt", "/tokenize", {"prompt": "数据库 hello"})
    messages = [{"role": "user", "content": "hi"}]
    to.post("tokenize-messages", "/tokenize", {"messages": messages})
    to.chat("chat", "用一句话解释什么是数据库。", max_tokens=60)
    usage = {"include_usage": True}
    to.chat("stream", "用一句话解释数据库。", max_tokens=24, stream=True, stream_options=usage)
    # Prompt and max_tokens together are longer than the context: the answer gets what is left.
    to.chat("chat-sum-too-long", "hi", max_tokens=4090)
    to.chat("stream-length", "Count to ten.", max_tokens=4, stream=True)
    tool = {
        "tools": [WEATHER],
        "tool_choice": {"type": "function", "function": {"name": "weather"}},
    }
    to.chat("tool", "The weather in Paris?", max_tokens=40, **tool)
    to.chat("tool-stream", "The weather in Paris?", max_tokens=40, stream=True, **tool)
    schema = {"type": "json_schema", "json_schema": {"name": "city", "schema": CITY}}
    to.chat("json-schema", "A city in France", max_tokens=40, response_format=schema)
    to.chat("think-tags-stream", "2+2?", max_tokens=40, stream=True, structured_outputs=THOUGHT)


def _record_errors(to: Recorder) -> None:
    to.post("error-wrong-key", CHAT, {"messages": []}, key="wrong")
    to.get("error-no-key", "/v1/models", key=None)
    to.chat("error-unknown-model", "hi", model="nope")
    to.chat("error-prompt-too-long", LONG)
    to.chat("error-max-tokens", "hi", max_tokens=5000)
    to.chat("error-parameter", "hi", temperature=-1)
    to.chat("error-parameter-type", "hi", temperature="hot")
    to.post("error-no-messages", CHAT, {"messages": []})
    to.post("error-image", CHAT, {"messages": [{"role": "user", "content": [_image()]}]})
    to.post("error-no-embedding", "/v1/embeddings", {"input": "hi"})
    to.chat("error-stream-too-long", LONG, stream=True)


def _image() -> dict[str, Any]:
    pixel = (
        "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5E"
        "rkJggg=="
    )
    return {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{pixel}"}}


def _record_metrics(to: Recorder) -> None:
    text = to.client.get(f"{to.server.root}/metrics").text
    wanted = tuple(f"vllm:{name}{{" for name in METRICS)
    lines = [line for line in text.splitlines() if line.startswith(wanted)]
    (SAMPLES / "metrics.txt").write_text("\n".join(lines) + "\n", "utf-8")


def _record_reasoning(to: Recorder) -> None:
    forced = {"max_tokens": 40, "structured_outputs": THOUGHT}
    to.chat("reasoning", "2+2?", **forced)
    to.chat("reasoning-stream", "2+2?", stream=True, **forced)
    # A server told to expect thoughts, and a model that has none: all of it is "reasoning".
    to.chat("reasoning-only-stream", "Say hi.", max_tokens=20, stream=True)
    off = {"enable_thinking": False}
    to.chat("reasoning-off-stream", "Say hi.", max_tokens=20, stream=True, chat_template_kwargs=off)


def _record_embed(to: Recorder) -> None:
    to.post("embeddings", "/v1/embeddings", {"input": ["hello", "你好"]})
    to.post("embeddings-base64", "/v1/embeddings", {"input": ["hi"], "encoding_format": "base64"})
    to.post("error-embedding-too-long", "/v1/embeddings", {"input": ["hi", LONG]})
    to.post("error-embedding-dimensions", "/v1/embeddings", {"input": ["hi"], "dimensions": 32})


def _record_rerank(to: Recorder) -> None:
    documents = ["Paris is the capital of France.", "Bread is baked."]
    to.post("rerank", "/v1/rerank", {"query": "capital?", "documents": documents, "top_n": 2})
    to.post("score", "/v1/score", {"text_1": "capital?", "text_2": documents})
    to.post("error-rerank-too-long", "/v1/rerank", {"query": "capital?", "documents": [LONG]})


def main() -> None:
    SAMPLES.mkdir(parents=True, exist_ok=True)
    thoughts = (
        "--reasoning-parser",
        "qwen3",
        "--structured-outputs-config.enable_in_reasoning=true",
    )
    for model, options, steps in (
        ("chat", (), (_record_chat, _record_errors, _record_metrics)),
        ("chat", thoughts, (_record_reasoning,)),
        ("tiny-embed", (), (_record_embed,)),
        ("tiny-rerank", (), (_record_rerank,)),
    ):
        with (
            tempfile.TemporaryDirectory() as folder,
            vllm_server(model, *options, folder=Path(folder)) as server,
            httpx.Client(trust_env=False) as client,
        ):
            for step in steps:
                step(Recorder(server, client))


if __name__ == "__main__":
    main()
