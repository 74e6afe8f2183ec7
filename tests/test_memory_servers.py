"""Redis as it is used in earnest: passwords, ACLs, TLS, sentinels, a cluster; and what is said when
one of these is wrong."""

import json
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from redis import Redis
from redis.exceptions import BusyLoadingError, ConnectionError, ResponseError

from assistant.errors import MemoryUnavailable
from assistant.memory.long_term import FactChanges, LongTermMemory
from assistant.memory.store import connection
from assistant.memory.store.connection import POOL, Link
from assistant.memory.store.keys import Keys
from assistant.memory.url import OPTIONS, parse, redis_url
from tests.memories import embedded, fact, turn, unit
from tests.redis_servers import RedisServer, free_port
from tests.waiting import wait_for

Start = Callable[..., RedisServer]
ACL = "~rag:* +@read +@write +@scripting +ping +scan"
ACL_CLUSTER = "+cluster|slots +command"


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    started: list[RedisServer] = []

    def start(*options: str, port: int = 0, url: str = "") -> RedisServer:
        folder = tmp_path / str(len(started))
        folder.mkdir()
        started.append(RedisServer(folder, *options, port=port, url=url))
        started[-1].start()
        return started[-1]

    yield start
    for server in started:
        server.kill()


def works(url: str) -> None:
    """A turn is stored, recalled, exported and forgotten."""
    memory = LongTermMemory(lambda: url, embed=embedded)
    memory.ping()
    memory.open("用户", "c")
    assert memory.add("用户", "c", turn("问", id="1"), unit(0), text="问")
    learned = FactChanges((fact("f", "用 H20", ("c", "1", 1.0)),))
    memory.update_facts("用户", lambda known: learned, embedded)
    memory.pause("用户", True)
    opened = memory.open("用户", "c")
    assert (opened.head, opened.paused, len(opened.facts)) == ("1", True, 1)
    assert memory.recall("用户", "H20", unit(0), k=1)
    assert memory.export("用户")["facts"]
    memory.sweep(2.0)
    memory.forget("用户", "c")
    assert memory.facts("用户") == []
    memory.forget_all("用户")
    memory.close()


def refused(url: str, *secrets: str) -> MemoryUnavailable:
    """The error when a turn is opened there."""
    memory = LongTermMemory(lambda: url)
    with pytest.raises(MemoryUnavailable) as fault:
        memory.open("u", "c")
    memory.close()
    for text in (fault.value.text("en"), fault.value.text("zh")):
        assert not any(secret in text for secret in secrets)
    return fault.value


def test_a_password_is_used_and_never_told(start: Start, caplog: pytest.LogCaptureFixture) -> None:
    server = start("--requirepass", "p@ss:w/rd#1")
    good, bad = "p%40ss%3Aw%2Frd%231", "wr0ng-one"
    works(f"unix://:{good}@{server.socket}")
    for url in (server.url, f"unix://:{bad}@{server.socket}"):
        error = refused(url, "p@ss", good, bad)
        assert "REDIS_URL" in str(error) and "用户名或密码" in error.text("zh")
    assert bad not in caplog.text and good not in caplog.text


def test_an_acl_user_needs_no_more_than_is_told(start: Start) -> None:
    port = free_port()
    server = start(port=port)
    with server.client() as redis:
        redis.execute_command("ACL", "SETUSER", "rag", "on", ">geheim", *ACL.split())
        redis.execute_command(
            "ACL", "SETUSER", "reader", "on", ">geheim", "~rag:*", "+@read", "+ping"
        )
        redis.execute_command("ACL", "SETUSER", "default", "off")
    works(f"redis://rag:geheim@127.0.0.1:{port}/0")
    error = refused(f"redis://reader:geheim@127.0.0.1:{port}/0", "geheim")
    assert "ACL SETUSER" in str(error) and "权限不足" in error.text("zh")
    assert ACL.rsplit(" ", 1)[0] in str(error)
    error = refused(f"redis://nobody:geheim@127.0.0.1:{port}/0", "geheim")
    assert "password" in str(error)


def test_a_database_of_its_own(start: Start) -> None:
    server = start()
    works(f"{server.url}?db=3")
    memory = LongTermMemory(lambda: f"{server.url}?db=3")
    memory.add("u", "c", turn("问"), unit(0), text="问")
    assert server.everything() == b""
    memory.close()


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tls")
    subprocess.run(
        [
            "openssl",
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:prime256v1",
            "-nodes",
            "-keyout",
            "key.pem",
            "-out",
            "cert.pem",
            "-days",
            "2",
            "-subj",
            "/CN=localhost",
            "-addext",
            "subjectAltName=DNS:localhost,IP:127.0.0.1",
        ],
        cwd=folder,
        check=True,
        capture_output=True,
    )
    return folder


def test_tls_with_a_certificate_of_ones_own(start: Start, certificates: Path) -> None:
    port = free_port()
    cert, key = certificates / "cert.pem", certificates / "key.pem"
    start(
        "--tls-port",
        str(port),
        "--tls-cert-file",
        str(cert),
        "--tls-key-file",
        str(key),
        "--tls-ca-cert-file",
        str(cert),
        "--tls-auth-clients",
        "no",
    )
    works(f"rediss://127.0.0.1:{port}/0?ssl_ca_certs={cert}")
    works(f"rediss://127.0.0.1:{port}/0?ssl_cert_reqs=none&ssl_check_hostname=false")
    error = refused(f"rediss://127.0.0.1:{port}/0")
    assert "ssl_ca_certs" in str(error) and "证书" in error.text("zh")
    refused(f"redis://127.0.0.1:{port}/0")


def test_plain_redis_spoken_to_with_tls_is_told(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "ANSWER_SECONDS", 0.3)
    port = free_port()
    start(port=port)
    error = refused(f"rediss://127.0.0.1:{port}/0?ssl_cert_reqs=none&ssl_check_hostname=false")
    assert "TLS" in str(error) or "in time" in str(error)


def test_sentinels_tell_the_primary_and_follow_it(start: Start, tmp_path: Path) -> None:
    first, second = free_port(), free_port()
    primary = start(port=first)
    replica = start("--replicaof", "127.0.0.1", str(first), port=second)
    port = free_port()
    config = tmp_path / "sentinel.conf"
    config.write_text(
        f"port {port}\nsentinel monitor main 127.0.0.1 {first} 1\n"
        "sentinel down-after-milliseconds main 60000\n"
    )
    process = subprocess.Popen(
        ["redis-server", str(config), "--sentinel"], stdout=subprocess.DEVNULL, cwd=tmp_path
    )
    try:
        with Redis(port=port) as sentinel:
            wait_for(lambda: _pinged(sentinel))
        url = f"redis+sentinel://127.0.0.1:1,127.0.0.1:{port}/main/0"
        works(url)
        memory = LongTermMemory(lambda: url)
        memory.add("u", "c", turn("问", id="1"), unit(0), text="问")
        with replica.client() as redis:
            wait_for(lambda: redis.exists(Keys("u").control))
        error = refused(f"redis+sentinel://127.0.0.1:{port}/other/0")
        assert "no primary of that name" in str(error) and "主节点" in error.text("zh")
        with Redis(port=port) as sentinel:
            wait_for(lambda: sentinel.sentinel_slaves("main"))
            sentinel.execute_command("SENTINEL FAILOVER", "main")
            wait_for(lambda: sentinel.sentinel_get_master_addr_by_name("main")[1] == second)
        wait_for(lambda: replica.client().role()[0] in (b"master", "master"))
        primary.kill()
        wait_for(lambda: _opens(memory))
        assert memory.add("u", "c", turn("再问", id="2", parent="1"), unit(0), text="再问")
        assert [one.id for one in memory.turns("u", "c")] == ["1", "2"]
        memory.close()
    finally:
        process.kill()
        process.wait()


def _pinged(client: Redis) -> bool:
    try:
        return bool(client.ping())
    except ConnectionError:
        return False


def _opens(memory: LongTermMemory) -> bool:
    try:
        memory.open("u", "c")
    except MemoryUnavailable:
        return False
    return True


def test_a_cluster_keeps_a_user_in_one_slot(start: Start) -> None:
    ports = [free_port() for _ in range(3)]
    nodes = [
        start("--cluster-enabled", "yes", "--cluster-port", str(free_port()), port=port)
        for port in ports
    ]
    edges = (0, 5461, 10923, 16384)
    for number, node in enumerate(nodes):
        with node.client() as redis:
            redis.execute_command("CLUSTER", "ADDSLOTSRANGE", edges[number], edges[number + 1] - 1)
            for other, port in zip(nodes, ports, strict=True):
                redis.execute_command("CLUSTER", "MEET", "127.0.0.1", port, other.options[-1])
    for node in nodes:
        wait_for(lambda node=node: _is_joined(node))
    url = f"redis+cluster://127.0.0.1:{ports[0]},127.0.0.1:{ports[1]}"
    works(url)
    for node in nodes:
        with node.client() as redis:
            redis.execute_command(
                "ACL", "SETUSER", "rag", "on", ">geheim", *ACL.split(), *ACL_CLUSTER.split()
            )
    works(url.replace("//", "//rag:geheim@"))
    memory = LongTermMemory(lambda: url)
    for user in ("a", "b", "甲", "", "}{"):
        memory.add(user, "c", turn("问", id="1"), unit(0), text="问")
        memory.rate(user, "c", "1", 1)
    assert [len(memory.turns(user, "c")) for user in ("a", "b", "甲", "", "}{")] == [1] * 5
    memory.sweep(2.0)
    homes = [{key.split(b"}:")[0] for key in node.client().scan_iter()} for node in nodes]
    assert sum(map(len, homes)) == len(set.union(*homes)) == 5
    memory.close()
    homeless = LongTermMemory(lambda: f"redis://127.0.0.1:{ports[0]}/0")
    with pytest.raises(MemoryUnavailable, match=r"redis\+cluster://") as fault:
        for user in map(str, range(20)):
            homeless.open(user, "c")
    assert "集群" in fault.value.text("zh")
    homeless.close()


def _is_joined(node: RedisServer) -> bool:
    with node.client() as redis:
        return "cluster_state:ok" in str(redis.execute_command("CLUSTER", "INFO"))


def test_a_server_that_is_still_loading_is_told(start: Start) -> None:
    link = Link(lambda: "redis://127.0.0.1:1/0")

    def loading(client: object) -> None:
        raise BusyLoadingError("Redis is loading the dataset in memory")

    with pytest.raises(MemoryUnavailable, match="still reading") as fault:
        link.call(loading)
    assert "正在载入" in fault.value.text("zh")


def test_words_of_the_user_never_come_back_in_an_error(start: Start) -> None:
    link = Link(lambda: "redis://:geheim@127.0.0.1:1/0")

    def old(client: object) -> None:
        raise ResponseError("unknown command 'EVAL', with args beginning with: '绝密的话' geheim")

    with pytest.raises(MemoryUnavailable) as fault:
        link.call(old)
    assert "绝密" not in str(fault.value) and "geheim" not in str(fault.value)
    assert "EVAL" in str(fault.value)


def test_the_pool_is_bounded(start: Start) -> None:
    server = start()
    memory = LongTermMemory(lambda: server.url)
    threads = [
        threading.Thread(target=lambda n=n: memory.turns(f"u{n}", "c")) for n in range(3 * POOL)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with server.client() as redis:
        assert redis.info("clients")["connected_clients"] <= POOL + 1
    memory.close()
    with server.client() as redis:
        wait_for(lambda: redis.info("clients")["connected_clients"] == 1)


def test_no_server_is_told_with_what_to_do() -> None:
    error = refused(f"redis://:geheim@127.0.0.1:{free_port()}/0", "geheim")
    assert "REDIS_URL" in str(error) and "请检查" in error.text("zh")


@pytest.mark.parametrize(
    "text",
    [
        "http://127.0.0.1",
        "redis://",
        "redis://host:port",
        "redis://host:99999",
        "redis://:a#b@host/0",
        "redis://:a@b@host/0",
        "redis://host/x",
        "redis://host/0/1",
        "redis://host?unknown=1",
        "redis://host?socket_timeout=soon",
        "rediss://host?ssl_cert_reqs=maybe",
        "unix://relative/path",
        "redis+sentinel://host",
        "redis+cluster://host/1",
        "redis+cluster://,",
        "127.0.0.1:6380",
    ],
)
def test_a_url_that_cannot_be_used_is_refused_with_the_forms(text: str) -> None:
    with pytest.raises(ValueError) as fault:
        redis_url(text)
    english, chinese = fault.value.args
    assert "redis+sentinel://" in english and "redis+sentinel://" in chinese
    error = refused(text)
    assert "REDIS_URL" in str(error) and "REDIS_URL" in error.text("zh")


def test_urls_are_read_in_their_parts() -> None:
    url = parse(
        "rediss+sentinel://us%40er:p%2Fw@[::1]:1,b/main/2?ssl_ca_certs=/x&sentinel_password=s"
    )
    assert (url.form, url.is_tls, url.service, url.db) == ("sentinel", True, "main", 2)
    assert url.hosts == (("::1", 1), ("b", 26379))
    assert (url.username, url.password, url.sentinel) == ("us@er", "p/w", {"password": "s"})
    assert url.options == {"ssl_ca_certs": "/x"} and url.secrets == ("p/w", "s")
    assert parse("redis://h?db=5").db == 5 and parse("unix:///a%20b").path == "/a b"
    assert redis_url("") == "" and redis_url("redis://h") == "redis://h"
    assert json.dumps(sorted(OPTIONS))
