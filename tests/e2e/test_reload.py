"""A configuration that changes under way: listeners, certificates, secrets, files; and under load."""
import json
import os
import re
import signal
import time

import pytest

from harness import config, raw
from harness.daemon import BINARY, free_ports, wait_until
from harness.load import BODY, CHAT, JSON, STREAM, Load, is_listening
from providers import openai_dialect


def gateway(*listeners):
    return {"apiVersion": f"{config.GROUP}/v1", "kind": "Gateway", "metadata": {"name": "gw"},
            "spec": {"gatewayClassName": "understudy", "listeners": list(listeners)}}


def plain(name, port):
    return {"name": name, "protocol": "HTTP", "port": port}


def https(name, port, secret="cert"):
    return {"name": name, "protocol": "HTTPS", "port": port,
            "tls": {"mode": "Terminate", "certificateRefs": [{"name": secret}]}}


def certificate(chain, key, name="cert"):
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name},
            "type": "kubernetes.io/tls", "stringData": {"tls.crt": chain, "tls.key": key}}


PARENT = [{"name": "gw", "kind": "Gateway", "group": config.GROUP}]


def served(provider, *objects):
    return config.single(provider, *objects, parentRefs=PARENT)


def ask(port, **how):
    return raw.ask(port, "POST", CHAT, BODY, JSON, **how)


def reload(daemon, *texts):
    for path, text in zip(daemon.config_paths, texts):
        path.write_text(text)
    return daemon.admin("/reload", "POST")


@pytest.fixture
def start(start):
    """Without --listen: the configuration says where. Nothing is read but when the test says so."""
    def begin(*configurations, **how):
        how["flags"] = [*how.get("flags", ()), *([] if how.pop("watch", False) else ["--no-watch"])]
        return start(*configurations, listen=False, **how)
    return begin


# ---- listeners ----------------------------------------------------------------------------------


def test_listeners_come_and_go(start, provider):
    primary, (a, b, c) = provider(), free_ports(3)
    daemon = start(served(primary, gateway(plain("one", a), plain("two", b))))
    with raw.Client(a) as stays, raw.Client(b) as goes:
        for client in (stays, goes):
            client.send(raw.request("POST", CHAT, BODY, JSON))
            assert client.response().status == 200
        status, text = reload(daemon, served(primary, gateway(plain("three", c), plain("uno", a))))
        assert status == 200, text
        wait_until(lambda: is_listening(c), what="the new listener")
        assert ask(c).status == 200
        assert goes.is_closed_by_peer()
        wait_until(lambda: not is_listening(b), what="the end of the old listener")
        stays.send(raw.request("POST", CHAT, BODY, JSON))  # the same connection, under another name
        assert stays.response().status == 200
    assert ask(a).status == 200
    wait_until(lambda: {e["listener"] for e in daemon.access_lines()} >= {"one", "two", "three", "uno"},
               what="the names of the listeners in the log")
    assert f"listening on [::]:{c}" in daemon.stderr()
    assert f"no longer listening on [::]:{b}" in daemon.stderr()


def test_a_request_on_a_listener_that_goes_is_finished(start, provider):
    gate = openai_dialect.Gated()
    primary, (a, b) = provider(gate), free_ports(2)
    daemon = start(served(primary, gateway(plain("one", a), plain("two", b))))
    with raw.Client(b) as client:
        client.send(raw.request("POST", CHAT, STREAM, JSON))
        gate.let(2)
        assert client.head().status == 200
        got = client.chunk()
        assert reload(daemon, served(primary, gateway(plain("one", a))))[0] == 200
        wait_until(lambda: not is_listening(b), what="the end of the listener")
        gate.let_all()
        while piece := client.chunk():
            got += piece
        assert got == b"".join(gate.pieces)
        assert client.is_closed_by_peer()


def test_a_listener_that_cannot_be_bound_refuses_the_reload(start, provider):
    primary, other, (a, b) = provider(), provider(name="other"), free_ports(2)
    daemon = start(served(primary, gateway(plain("one", a))))
    status, text = reload(daemon, served(other, gateway(
        plain("two", b), plain("taken", daemon.admin_port))))
    assert status >= 400 and f"cannot listen on [::]:{daemon.admin_port}" in text, text
    assert not is_listening(b)
    assert ask(a).status == 200 and primary.count == 1 and other.count == 0
    status, text = reload(daemon, served(primary, gateway(plain("two", b))))  # nothing is left over
    assert status == 200, text
    wait_until(lambda: is_listening(b), what="the listener")


def test_clear_text_becomes_tls_and_clear_text_again(start, provider, authority):
    primary, (port,) = provider(), free_ports(1)
    clear = served(primary, gateway(plain("one", port)))
    secure = served(primary, gateway(https("one", port)), certificate(*authority.issue("a.example")))
    tls = {"tls": authority.client_context(), "server_name": "a.example"}
    daemon = start(clear)
    with raw.Client(port) as idle:
        idle.send(raw.request("POST", CHAT, BODY, JSON))
        assert idle.response().status == 200
        assert reload(daemon, secure)[0] == 200
        assert idle.is_closed_by_peer()  # who asked for TLS does not want it any more
    assert ask(port, **tls).status == 200
    assert reload(daemon, clear)[0] == 200
    wait_until(lambda: ask(port).status == 200, what="clear text")


def test_a_certificate_is_replaced_under_its_connections(start, provider, authority, tmp_path):
    primary, (port,) = provider(), free_ports(1)
    chain, key = tmp_path / "chain.pem", tmp_path / "key.pem"

    def put(*names):
        for path, text in zip((chain, key), authority.issue(*names)):
            (tmp_path / "new").write_text(text)
            os.replace(tmp_path / "new", path)
    put("a.example", "old.example")
    secret = certificate("-", "-")
    secret["metadata"]["annotations"] = {"substitution.aigw.run/file/tls.crt": str(chain),
                                         "substitution.aigw.run/file/tls.key": str(key)}
    start(served(primary, gateway(https("one", port)), secret), watch=True)
    tls = {"tls": authority.client_context(), "server_name": "a.example"}

    def names():
        with raw.Client(port, **tls) as client:
            return {v for _, v in client.sock.getpeercert()["subjectAltName"]}
    assert "old.example" in names()
    with raw.Client(port, **tls) as open_before:
        put("a.example", "new.example")
        wait_until(lambda: "new.example" in names(), what="the new certificate")
        open_before.send(raw.request("POST", CHAT, BODY, JSON))
        assert open_before.response().status == 200


# ---- files --------------------------------------------------------------------------------------


def config_map(folder, version, files):
    """As kubelet writes a volume: a folder of its own, a link that is moved over the old one."""
    target = folder / f"..v{version}"
    target.mkdir(parents=True)
    for name, text in files.items():
        (target / name).write_text(text)
        if not (folder / name).is_symlink():
            (folder / name).symlink_to(f"..data/{name}")
    (folder / "..data_tmp").symlink_to(target.name)
    os.replace(folder / "..data_tmp", folder / "..data")


@pytest.mark.parametrize("is_folder", [True, False])
def test_a_config_map_is_replaced(start, provider, tmp_path, is_folder):
    first, second, (port,) = provider(name="first"), provider(name="second"), free_ports(1)
    volume = tmp_path / "volume"
    config_map(volume, 1, {"a.yaml": served(first, gateway(plain("one", port)))})
    start(volume if is_folder else volume / "a.yaml", watch=True)
    assert ask(port).status == 200 and first.count == 1
    config_map(volume, 2, {"a.yaml": served(second, gateway(plain("one", port)))})
    wait_until(lambda: ask(port).status == 200 and second.count > 0, what="the new configuration")


def test_files_come_into_a_watched_folder_and_go(start, provider, tmp_path):
    primary, (a, b) = provider(), free_ports(2)
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "a.yaml").write_text(served(primary, gateway(plain("one", a))))
    more = gateway(plain("two", b))
    more["metadata"]["name"] = "gw2"
    route = config.route(["only"], name="more", parentRefs=[{**PARENT[0], "name": "gw2"}])
    start(folder, watch=True)
    assert not is_listening(b)
    (folder / "b.yaml").write_text(config.documents(more, route))
    wait_until(lambda: is_listening(b), what="the second file")
    assert ask(b).status == 200
    (folder / "b.yaml").unlink()
    wait_until(lambda: not is_listening(b), what="the end of the second file")
    assert ask(a).status == 200


def test_half_a_file_is_not_read(start, provider, tmp_path):
    """A writer that takes its time: nothing is refused on the way."""
    first, second, (port,) = provider(name="first"), provider(name="second"), free_ports(1)
    daemon = start(served(first, gateway(plain("one", port))), watch=True)
    text = served(second, gateway(plain("one", port)))
    with open(daemon.config_paths[0], "w", encoding="utf-8") as file:
        for at in range(0, len(text), 100):
            file.write(text[at:at + 100])
            file.flush()
            time.sleep(0.02)
    wait_until(lambda: ask(port).status == 200 and second.count > 0, what="the new configuration")
    assert "reload refused" not in daemon.stderr()


# ---- secrets ------------------------------------------------------------------------------------


def memory_has(process, needle):
    """Whether the text is in the memory that the process can write to."""
    found = []
    with open(f"/proc/{process}/maps", encoding="utf-8") as maps, \
            open(f"/proc/{process}/mem", "rb", buffering=0) as memory:
        for line in maps:
            where = re.match(r"([0-9a-f]+)-([0-9a-f]+) (\S+) \S+ \S+ \S+ *(.*)", line)
            if "w" not in where[3] or where[4] in ("[vvar]", "[vsyscall]"):
                continue
            first, end = int(where[1], 16), int(where[2], 16)
            try:
                memory.seek(first)
                if needle in memory.read(end - first):
                    found.append(where[4] or "anonymous")
            except OSError:
                continue
    return found


OLD_KEY = "sk-old-" + "7f3a91c5" * 4
NEW_KEY = "sk-new-" + "0b6de248" * 4


# A sanitizer has an allocator of its own, which keeps what was freed, to find who still uses it.
needs_own_allocator = pytest.mark.skipif(
    any(name in BINARY.read_bytes() for name in (b"__asan_init", b"__tsan_init")), reason="built with a sanitizer")


@needs_own_allocator
def test_a_key_that_was_replaced_is_gone_from_memory(start, provider, tmp_path):
    gate = openai_dialect.Gated()
    primary, (port,) = provider(), free_ports(1)
    key = tmp_path / "key"
    key.write_text(OLD_KEY)
    objects = [config.route(["only"], parentRefs=PARENT), gateway(plain("one", port)),
               *config.backend("only", primary.port, security=("APIKey", "-"))]
    objects[-1]["metadata"]["annotations"] = {"substitution.aigw.run/file/apiKey": str(key)}
    daemon = start(config.documents(*objects))
    for _ in range(20):
        assert ask(port).status == 200
    assert primary.requests[0].header("authorization") == f"Bearer {OLD_KEY}"
    assert memory_has(daemon.process.pid, OLD_KEY.encode())
    primary.once(gate)
    with raw.Client(port) as client:
        client.send(raw.request("POST", CHAT, STREAM, JSON))
        gate.let(2)
        assert client.head().status == 200
        key.write_text(NEW_KEY)
        assert daemon.admin("/reload", "POST")[0] == 200

        def has_new_key():
            assert ask(port).status == 200
            return primary.requests[-1].header("authorization") == f"Bearer {NEW_KEY}"
        wait_until(has_new_key, what="the new key")
        gate.let_all()
        while client.chunk():
            pass
    for _ in range(20):
        assert ask(port).status == 200
    wait_until(lambda: not memory_has(daemon.process.pid, OLD_KEY.encode()), timeout=20,
               what="the end of the old key")
    assert memory_has(daemon.process.pid, NEW_KEY.encode())


@needs_own_allocator
def test_a_private_key_that_was_replaced_is_gone_from_memory(start, provider, authority):
    primary, (port,) = provider(), free_ports(1)
    old, new = authority.issue("a.example"), authority.issue("a.example")

    def text(pair):
        return served(primary, gateway(https("one", port)), certificate(*pair))
    daemon = start(text(old))
    tls = {"tls": authority.client_context(), "server_name": "a.example"}
    assert ask(port, **tls).status == 200
    needle = old[1].splitlines()[1].encode()
    assert memory_has(daemon.process.pid, needle)
    assert reload(daemon, text(new))[0] == 200
    for _ in range(20):
        assert ask(port, **tls).status == 200
    wait_until(lambda: not memory_has(daemon.process.pid, needle), timeout=20,
               what="the end of the old private key")


# ---- load ---------------------------------------------------------------------------------------


def test_a_hundred_reloads_under_load(start, provider):
    """By signal, by request and by file in turn, each with other backends or another listener."""
    first, second, (port, other) = provider(name="first"), provider(name="second"), free_ports(2)
    texts = [served(to, gateway(plain(f"one{n % 2}", port), *([plain("more", other)] if n % 3 else [])))
             for n, to in enumerate((first, second) * 3)]
    daemon = start(texts[0], watch=True)

    def generation():
        return json.loads(daemon.admin("/config")[1])["generation"]
    with Load(port) as load:
        for turn in range(100):
            before, how = generation(), turn % 10
            path = daemon.config_paths[0]
            path.with_suffix(".new").write_text(texts[turn % len(texts)] + f"# {turn}\n")
            os.replace(path.with_suffix(".new"), path)
            if how == 0:
                pass  # the watch alone
            elif how % 2:
                daemon.signal(signal.SIGHUP)
            else:
                status, text = daemon.admin("/reload", "POST")
                assert status == 200, text
            wait_until(lambda: generation() > before, what=f"reload {turn}")
    load.judge()
    assert "reload refused" not in daemon.stderr()
    assert first.count > 10 and second.count > 10
