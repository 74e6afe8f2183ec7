"""SIGTERM while an answer streams: it is finished, and the app is out of the balancer at once."""

from __future__ import annotations

import signal
import threading
import time
from pathlib import Path

import httpx

from tests.browser import running_app
from tests.openai_server import Reply, openai_server
from tests.waiting import wait_for

ANSWER = "您好！请问有什么可以帮您？"


def test_a_stream_is_finished_after_sigterm(tmp_path: Path) -> None:
    with openai_server() as model:
        model.models = [{"id": "test"}]
        settings = {
            "DATA_DIR": tmp_path,
            "CHAT_MODEL": "vllm:test",
            "VLLM_BASE_URL": model.url,
            "GRACE_SECONDS": "0",
            "LOG_FORMAT": "json",
        }
        (tmp_path / "sample-added").touch()
        hold = threading.Event()
        model.replies = [Reply(tuple(ANSWER), hold=hold)]
        with running_app(**settings) as app, httpx.Client(base_url=app.url, timeout=30) as http:
            wait_for(lambda: http.get("/readyz").status_code == 200, 60)
            message = {"role": "user", "content": "你好！"}
            body = {"model": "knowledge-assistant", "messages": [message], "stream": True}
            with http.stream("POST", "/v1/chat/completions", json=body) as answer:
                texts = answer.iter_text()
                told = next(texts)
                app.process.send_signal(signal.SIGTERM)
                wait_for(lambda: httpx.get(f"{app.url}/readyz").status_code == 503)
                refused = httpx.post(f"{app.url}/v1/chat/completions", json=body)
                hold.set()
                began = time.monotonic()
                told += "".join(texts)
            assert app.end() == 0
            assert time.monotonic() - began < 5
        assert refused.status_code == 503 and "restart" in refused.json()["error"]["message"]
        assert "[DONE]" in told and '"finish_reason": "stop"' in told
        assert "Traceback" not in app.said
