"""``/api/v1`` over HTTP: what each role may, and that the description tells the truth."""

from __future__ import annotations

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest

from assistant.knowledge.collections import Collections
from assistant.knowledge.records import NewChunk
from tests.api_desk import ApiDesk, api_desk
from tests.serving import served
from tests.waiting import wait_for

NOTE = "# 备忘\n\n星河7000的充电器是65瓦的。\n"


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiDesk]:
    with api_desk(tmp_path_factory.mktemp("data"), MAX_FILE_MB="1") as desk:
        law = Collections(desk.parts.knowledge).make("Law", "zhao", [])
        chunk = NewChunk("合同法第一条。", ())
        vectors = desk.parts.embeddings.embed_passages([chunk.embedding_text])
        desk.parts.knowledge.collection(law.name).add_embedded(
            "/law/1.md", "合同法", "md", 9, "1", [chunk], vectors
        )
        yield desk


def get(desk: ApiDesk, path: str, key: str = "reader-key", **query: Any) -> Any:
    with desk.client(key) as http:
        return http.get(path, params=query)


def finish(desk: ApiDesk, job: dict[str, Any]) -> dict[str, Any]:
    wait_for(lambda: not desk.jobs.active)
    return dict(get(desk, f"/api/v1/jobs/{job['id']}").json())


def test_a_search_tells_ranks_and_scores(desk: ApiDesk) -> None:
    hits = get(desk, "/api/v1/search", q="光谱仪的重量").json()["hits"]
    best = hits[0]
    assert (best["source"]["title"], best["kept"]) == ("星河7000手册", "both")
    assert best["dense"]["rank"] == best["keyword"]["rank"] == 1
    assert best["dense"]["score"] > 0.8 and best["rerank"] == {"rank": None, "score": None}
    assert best["link"].startswith("/source/")


def test_a_search_takes_a_filter(desk: ApiDesk) -> None:
    asked = {"query": "星河7000", "k": 3, "filter": {"title": {"$in": ["青禾一号"]}}}
    with desk.client() as http:
        hits = http.post("/api/v1/search", json=asked).json()["hits"]
        assert {hit["source"]["title"] for hit in hits} == {"青禾一号"}
        wrong = http.post("/api/v1/search", json=asked | {"filter": {"color": "red"}})
        assert wrong.status_code == 400 and "color" in wrong.json()["error"]["message"]
    assert get(desk, "/api/v1/search", q="星河", kind="pdf").json()["hits"] == []
    assert len(get(desk, "/api/v1/search", q="青禾一号的亩产", k=1).json()["hits"]) == 1


@pytest.mark.parametrize("query", [{}, {"q": ""}, {"q": "x", "k": 0}, {"q": "x", "k": 51}])
def test_a_bad_search_is_refused(desk: ApiDesk, query: dict[str, Any]) -> None:
    answer = get(desk, "/api/v1/search", **query)
    assert answer.status_code == 400 and answer.json()["error"]["param"] in ("q", "k")


def test_a_closed_collection_is_as_if_it_were_not(desk: ApiDesk) -> None:
    names = [row["name"] for row in get(desk, "/api/v1/collections").json()["collections"]]
    assert names == ["default"]
    rows = get(desk, "/api/v1/collections", "admin-key").json()["collections"]
    assert [(row["name"], row["sources"], row["chunks"]) for row in rows][1] == ("law", 1, 1)
    [law] = get(desk, "/api/v1/collections/law/sources", "admin-key").json()["sources"]
    for path in (f"/api/v1/sources/{law['id']}", f"/api/v1/sources/{law['id']}/chunks"):
        closed, gone = get(desk, path), get(desk, path.replace(str(law["id"]), "999"))
        assert (closed.status_code, gone.status_code) == (404, 404)
        assert get(desk, path, "admin-key").status_code == 200
    assert get(desk, "/api/v1/collections/law/sources").status_code == 403
    assert get(desk, "/api/v1/collections/nowhere/sources").status_code == 403
    assert get(desk, "/api/v1/search", q="合同", collection="law").status_code == 403
    everywhere = get(desk, "/api/v1/search", q="合同法第一条", collection="*").json()["hits"]
    assert "合同法" not in {hit["source"]["title"] for hit in everywhere}
    found = get(desk, "/api/v1/search", "admin-key", q="合同法第一条", collection="*").json()
    assert found["hits"][0]["source"]["title"] == "合同法"


def test_sources_are_listed_by_pages(desk: ApiDesk) -> None:
    path = "/api/v1/collections/default/sources"
    page = get(desk, path, order="title", descending=False, count=2).json()
    assert page["total"] == 3 and page["sources"][0]["title"] == "FAISS notes"
    rest = get(desk, path, order="title", descending=False, first=2).json()["sources"]
    assert len(rest) == 1
    assert get(desk, path, text="7000").json()["total"] == 1
    assert get(desk, path, order="colour").status_code == 400
    chunks = get(desk, f"/api/v1/sources/{rest[0]['id']}/chunks").json()
    assert chunks["total"] == 1 and chunks["chunks"][0]["position"] == 0


def test_a_file_comes_in_is_found_and_goes(desk: ApiDesk) -> None:
    path = "/api/v1/collections/default/sources/files"
    with desk.client("editor-key") as http:
        files = [("files", ("备忘.md", NOTE.encode())), ("files", ("x.md", b"x" * (2**20 + 1)))]
        answer = http.post(path, files=files)
        assert answer.status_code == 202, answer.text
        job = finish(desk, answer.json())
        assert job["state"] == "partly", "one of the two is too large"
        assert {line["kind"] for line in job["lines"]} == {"good", "failed"}
        best = get(desk, "/api/v1/search", q="充电器").json()["hits"][0]
        assert best["source"]["title"] == "备忘" and "65瓦" in best["text"]
        gone = http.delete(f"/api/v1/sources/{best['source']['id']}")
        assert gone.json() == {"chunks": 1}
        assert http.delete(f"/api/v1/sources/{best['source']['id']}").status_code == 404
    hits = get(desk, "/api/v1/search", q="充电器").json()["hits"]
    assert "备忘" not in {hit["source"]["title"] for hit in hits}
    actions = (desk.folder / "logs" / "audit.jsonl").read_text("utf-8").splitlines()
    assert [json.loads(line)["action"] for line in actions][-2:] == [
        "library.add",
        "library.delete",
    ]


def test_a_page_is_fetched(desk: ApiDesk) -> None:
    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.end_headers()
            self.wfile.write("<h1>星河</h1><p>星河8000有双屏。</p>".encode())

        def log_message(self, format: str, *arguments: object) -> None:
            pass

    with served(Page) as url, desk.client("editor-key") as http:
        path = "/api/v1/collections/default/sources/urls"
        answer = http.post(path, json={"urls": [f"{url}/page"]})
        assert answer.status_code == 202
        job = finish(desk, answer.json())
    # Programs may not have this machine's own addresses fetched.
    assert job["state"] == "failed" and "127.0.0.1" in str(job["lines"])


@pytest.mark.parametrize("urls", [[], ["file:///etc/passwd"], ["ftp://x/y"], "http://x"])
def test_only_web_addresses_are_taken(desk: ApiDesk, urls: Any) -> None:
    with desk.client("editor-key") as http:
        answer = http.post("/api/v1/collections/default/sources/urls", json={"urls": urls})
    assert answer.status_code == 400


def test_a_request_without_files_is_refused(desk: ApiDesk) -> None:
    path = "/api/v1/collections/default/sources/files"
    with desk.client("editor-key") as http:
        assert http.post(path, json={}).status_code == 400
        assert http.post(path, files={"other": b"x"}).json()["error"]["param"] == "files"
        content = b"x" * (5 * 2**20)
        assert http.post(path, files={"files": ("x.md", content)}).status_code == 413
        broken = {"Content-Type": "multipart/form-data; boundary=x"}
        assert http.post(path, content=b"--y", headers=broken).status_code == 400


CHANGES = [
    ("POST", "/api/v1/collections/default/sources/urls", {"urls": ["https://example.org/"]}),
    ("POST", "/api/v1/collections/default/sources/files", None),
    ("DELETE", "/api/v1/sources/1", None),
]


@pytest.mark.parametrize(("method", "path", "body"), CHANGES)
def test_readers_change_nothing(desk: ApiDesk, method: str, path: str, body: Any) -> None:
    before = len(desk.parts.knowledge.sources())
    files = None if body or method == "DELETE" else {"files": ("a.md", b"x")}
    for key, status in (("reader-key", 403), ("", 401)):
        with desk.client(key) as http:
            answer = http.request(method, path, json=body, files=files)
        assert answer.status_code == status, answer.text
    assert len(desk.parts.knowledge.sources()) == before


def test_conversations_are_the_callers_own(desk: ApiDesk) -> None:
    desk.model.say("星河7000重1.8千克。")
    desk.ask("星河7000有多重？", conversation_id="trip")
    [row] = get(desk, "/api/v1/conversations").json()["conversations"]
    assert (row["id"], row["turns"]) == ("trip", 1)
    one = "/api/v1/conversations/trip"
    [turn] = get(desk, one).json()["turns"]
    assert (turn["question"], turn["answer"]) == ("星河7000有多重？", "星河7000重1.8千克[1]。")
    for key in ("editor-key", "admin-key"):
        assert get(desk, "/api/v1/conversations", key).json() == {"conversations": []}
        assert get(desk, one, key).status_code == 404
        with desk.client(key) as http:
            assert http.delete(one).status_code == 404
    with desk.client() as http:
        assert http.delete(one).json() == {"id": "trip", "turns": []}
    assert get(desk, one).status_code == 404
    assert get(desk, "/api/v1/conversations/..%2Fx").status_code == 404


def test_the_description_is_true(desk: ApiDesk) -> None:
    """Every route is in it, and every answer has the shape that it tells."""
    told = get(desk, "/api/openapi.json").json()
    assert told["openapi"].startswith("3.") and told["security"] == [{"key": []}]
    operations = [(path, method) for path, row in told["paths"].items() for method in row]
    assert len(operations) >= 19 and ("/v1/chat/completions", "post") in operations
    assert not [row for row in operations if "{path}" in row[0]]
    for path in ("/api/v1/search", "/api/v1/collections", "/api/v1/jobs", "/api/v1/conversations"):
        answer = get(desk, path, **({"q": "星河"} if path.endswith("search") else {})).json()
        schema = told["paths"][path]["get"]["responses"]["200"]["content"]["application/json"]
        check(answer, schema["schema"], told)
    fault = get(desk, "/api/v1/sources/999").json()
    check(fault, {"$ref": "#/components/schemas/Fault"}, told)


def check(value: Any, schema: dict[str, Any], told: dict[str, Any]) -> None:
    """That ``value`` is as ``schema`` has it, as far as our shapes go."""
    if "$ref" in schema:
        schema = told["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    if "anyOf" in schema:
        schema = next(one for one in schema["anyOf"] if (one["type"] == "null") == (value is None))
    match schema["type"]:
        case "object":
            for name, inner in schema.get("properties", {}).items():
                check(value[name], inner, told)
            assert set(schema.get("required", ())) <= set(value)
        case "array":
            for one in value:
                check(one, schema["items"], told)
        case kind:
            types = {"string": str, "integer": int, "number": (int, float), "boolean": bool}
            assert isinstance(value, types.get(kind, type(None))), (value, schema)


@pytest.mark.parametrize("path", ["/v1/x", "/api/x", "/api/v1/sources/0", "/api/v1/sources/x"])
def test_what_is_not_there_is_told_in_json(desk: ApiDesk, path: str) -> None:
    answer = get(desk, path)
    assert answer.status_code in (400, 404) and answer.json()["error"]["message"]


def test_errors_are_told_in_the_callers_language(desk: ApiDesk) -> None:
    with desk.client() as http:
        answer = http.get("/api/v1/sources/999", headers={"Accept-Language": "zh-CN"})
    assert answer.json()["error"]["message"] == "没有编号为 999 的文档。"
