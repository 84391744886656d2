"""That the suite would notice a secret that gets out: it is planted here, in each place and shape."""
import base64
import urllib.parse

import pytest

from harness import config, raw, secrets
from harness.daemon import wait_until

KEY = "sk-planted/+secret&1234567890"
CHAT = "/v1/chat/completions"
BODY = b'{"model":"m","messages":[{"role":"user","content":"hi"}]}'
BODY_FIELDS = [("content-type", "application/json")]


def test_a_key_that_an_answer_repeats_is_found(start, provider):
    """A provider that says to the client what it was told by the proxy."""
    def script(exchange):
        said = exchange.request.header("authorization")
        exchange.reply(200, b'{"choices":[{"message":{"content":"%s"}}]}' % said.encode())
    upstream = provider(script)
    daemon = start(config.documents(config.route(["only"]), *config.backend(
        "only", upstream.port, security=("APIKey", KEY))))
    assert KEY.encode() in raw.ask(daemon.port, "POST", CHAT, BODY, BODY_FIELDS).body
    daemon.stop()
    assert len(daemon.leaks) == 1 and "what clients received" in daemon.leaks[0], daemon.leaks
    secrets.LEAKS.remove(daemon.leaks.pop())


def test_what_a_daemon_says_of_itself_holds_no_key(start, provider):
    """Everything that it can be asked, with a key in each place where one can be."""
    upstream = provider()
    daemon = start(config.documents(config.route(["only"]), *config.backend(
        "only", upstream.port, security=("APIKey", KEY))), flags=["--admin-token", "admin-" + KEY], wait=False)
    token = {"authorization": "Bearer admin-" + KEY}
    wait_until(lambda: daemon.admin("/ready", quiet=True, headers=token)[0] == 200)
    raw.ask(daemon.port, "POST", CHAT, BODY, [*BODY_FIELDS, ("x-understudy-explain", "1")])
    for path in ("/", "/health", "/ready", "/metrics", "/status", "/config", "/requests", "/nowhere"):
        daemon.admin(path, headers=token)
        daemon.admin(path, headers={"authorization": "Bearer wrong"})
    daemon.admin("/reload", "POST", headers=token)
    before = secrets.SCANNED["secrets"]
    daemon.stop()
    assert secrets.SCANNED["secrets"] - before == 2 and daemon.leaks == []


@pytest.mark.parametrize("shape", [
    KEY.encode(), urllib.parse.quote(KEY, safe="").encode(), KEY.encode().hex().encode(),
    base64.b64encode(KEY.encode()), base64.urlsafe_b64encode(KEY.encode()),
    *(base64.b64encode(b"u" * n + b":" + KEY.encode() + b"!" * m) for n in range(3) for m in range(3))])
def test_a_secret_is_found_in_any_shape(tmp_path, shape):
    file = tmp_path / "config.yaml"
    file.write_text(config.documents(*config.security_policy("a", "APIKey", KEY)))
    found = secrets.Confidence([tmp_path], {}, []).leaks({"log": b"{ " + shape + b" }"})
    assert found and all(KEY in one and one.endswith("in log") for one in found)
    assert not secrets.Confidence([tmp_path], {}, []).leaks({"log": shape[1:-5][::-1]})


def test_what_is_secret_in_a_document_and_what_is_not():
    ini = "[default]\naws_access_key_id = AKIAPUBLIC00\naws_secret_access_key = very-secret-1\n"
    assert secrets.of_value(ini) == {"very-secret-1"}
    assert secrets.of_value('{"client_email":"a@b.example","client_secret":"very-secret-2"}') == \
        {"very-secret-2"}
    line = "MC4CAQAwBQYDK2VwBCIEIJ0123456789abcdefghijklmnopqrst"
    key = f"-----BEGIN PRIVATE KEY-----\n{line}\n-----END PRIVATE KEY-----\n"
    assert secrets.of_value(key) == {line}
    assert secrets.of_value("-----BEGIN CERTIFICATE-----\nabc\n-----END CERTIFICATE-----\n") == set()
    assert secrets.of_environment({"OPENAI_API_KEY": "very-secret-3", "HOME": "/root",
                                   "AWS_ACCESS_KEY_ID": "AKIAPUBLIC00"}) == {"very-secret-3"}
    assert secrets.of_flags(["--workers", "1", "--admin-token", "very-secret-4"]) == {"very-secret-4"}
