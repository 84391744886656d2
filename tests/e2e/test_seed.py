"""The seed's configuration, unchanged, against local stand-ins for its two hosts: the worked timelines of
the specification (F answers 500, refuses, answers 503), ejection windows included."""
import threading
import time

import openai
import pytest

from harness.daemon import ROOT, Daemon, run, wait_until
from providers import bedrock
from providers.server import Provider, no_tls_here, status

SEED = ROOT / "config/provider-fallback.yaml"
MODEL = "us.meta.llama3-2-1b-instruct-v1:0"
F_HOST = "provider-fallback-always-failing-upstream.default.svc.cluster.local"
G_HOST = "bedrock-runtime.us-east-1.amazonaws.com"
F_NAME, G_NAME = "provider-fallback-always-failing-upstream", "provider-fallback-aws"
BASE, SWEEP = 5.0, 2.0  # baseEjectionTime and interval of the policy
SLACK = 1.0  # a busy machine, and the recorder's own step


class Scene:
    """The daemon on the seed, F and G; a recorder that asks without pause and keeps every answer."""

    def __init__(self, folder, authority, f_script):
        self.f = Provider(f_script, "F", tls=authority.server_context(F_HOST))
        self.g = Provider(bedrock.converse(), "G", tls=authority.server_context(G_HOST))
        folder.mkdir()
        self.daemon = Daemon(
            folder, SEED, wait=False,
            flags=["--resolve", f"{F_HOST}:443=127.0.0.1:{self.f.port}",
                   "--resolve", f"{G_HOST}:443=127.0.0.1:{self.g.port}"],
            env={"SSL_CERT_FILE": str(authority.path), **bedrock.ENVIRONMENT})
        self.answers = []
        self.thread = None
        self.failure = None

    def ask(self, client):
        began = time.monotonic()
        try:
            raw = client.chat.completions.with_raw_response.create(
                model=MODEL, messages=[{"role": "user", "content": "Say this is a test!"}])
            code, headers = raw.status_code, raw.headers
            text = raw.parse().choices[0].message.content
        except openai.APIStatusError as error:
            code, headers, text = error.status_code, error.response.headers, error.response.text
        self.answers.append({
            "at": began, "took": time.monotonic() - began, "status": code, "text": text,
            "attempts": int(headers["x-understudy-attempts"]),
            "backend": headers["x-understudy-backend"]})
        return self.answers[-1]

    def record(self, visits, deadline):
        """Asks until F has been tried `visits` times."""
        def body():
            try:
                with openai.OpenAI(base_url=self.daemon.base_url, api_key="unused",
                                   max_retries=0, timeout=20) as client:
                    end = time.monotonic() + deadline
                    while len(self.visits()) < visits and time.monotonic() < end:
                        self.ask(client)
                        time.sleep(0.05)
                    for _ in range(3):
                        self.ask(client)
            except Exception as error:  # told by the test that waits for this thread
                self.failure = error
        self.thread = threading.Thread(target=body)
        self.thread.start()

    def visits(self):
        """The answers for which F was tried: two attempts, or F's own answer."""
        return [a for a in self.answers if a["attempts"] > 1 or a["backend"] == F_NAME]

    def stop(self):
        if self.thread is not None:
            self.thread.join()
        code = self.daemon.stop()
        self.f.stop()
        self.g.stop()
        return code


def check_window(first, second, multiplier):
    """From one ejection to the next visit: base × multiplier, and then the next sweep."""
    gap = second["at"] - first["at"]
    low, high = BASE * multiplier, BASE * multiplier + SWEEP
    assert low - 0.2 <= gap <= high + SLACK, f"out for {gap:.1f} s, expected {low} to {high}"


@pytest.fixture(scope="module")
def scenes(tmp_path_factory, authority):
    """All three timelines at once: they are mostly waiting."""
    folder = tmp_path_factory.mktemp("seed")
    made = {"500": Scene(folder / "500", authority, status(500)),
            "refused": Scene(folder / "refused", authority, status(500)),
            "503": Scene(folder / "503", authority, status(503, b'{"error":{"message":"F is busy"}}'))}
    made["refused"].f.refuse()
    try:
        for scene in made.values():
            scene.daemon.wait_ready()
        for name, scene in made.items():
            scene.record(visits=3 if name == "500" else 2, deadline=40)
        for scene in made.values():
            scene.thread.join()
        yield made
    finally:
        codes = {name: scene.stop() for name, scene in made.items()}
    assert set(codes.values()) == {0}, codes


@pytest.fixture
def scene(request, scenes):
    one = scenes[request.param]
    assert one.failure is None, f"{one.failure!r}\n{one.daemon.logs()}"
    yield one
    assert not one.g.errors, one.g.errors


def told(scene):
    return f"{[(round(a['at'] - scene.answers[0]['at'], 2), a['status'], a['attempts']) for a in scene.visits()]}\n{scene.daemon.logs()}"


@pytest.mark.parametrize("scene", ["500"], indirect=True)
def test_f_answers_500_and_no_client_ever_sees_it(scene):
    assert {a["status"] for a in scene.answers} == {200}, told(scene)
    assert {a["text"] for a in scene.answers} == {bedrock.TEXT}
    assert {a["backend"] for a in scene.answers} == {G_NAME}


@pytest.mark.parametrize("scene", ["500"], indirect=True)
def test_f_is_tried_once_per_ejection_window_which_grows(scene):
    first, second, third = scene.visits()[:3]
    assert scene.answers[0] is first
    assert [a["attempts"] for a in scene.visits()] == [2, 2, 2], told(scene)
    check_window(first, second, 1)
    check_window(second, third, 2)
    assert scene.f.count == 3  # nothing but those three reached F
    assert scene.g.count == len(scene.answers)


@pytest.mark.parametrize("scene", ["500"], indirect=True)
def test_the_retry_waits_less_than_the_first_back_off_interval(scene):
    def lines():
        return [e for e in scene.daemon.access_lines() if len(e["attempts"]) == 2]
    wait_until(lambda: len(lines()) == 3, what="three access log lines with two attempts")
    for line in lines():
        f, g = line["attempts"]
        assert (f["backend"], f["status"]) == (F_NAME, 500)
        assert (g["backend"], g["status"], g["outcome"]) == (G_NAME, 200, "ok")
        assert line["duration_ms"] - f["ms"] - g["ms"] <= 100 + 50, line


@pytest.mark.parametrize("scene", ["500"], indirect=True)
def test_what_reaches_f_is_the_clients_own_request(scene):
    request = scene.f.requests[0]
    assert (request.method, request.target) == ("POST", "/v1/chat/completions")
    assert request.header("host") == F_HOST
    assert MODEL.encode() in request.body
    assert scene.g.requests[0].target == f"/model/{MODEL}/converse"


@pytest.mark.parametrize("scene", ["refused"], indirect=True)
def test_f_refuses_connections_and_no_client_ever_sees_it(scene):
    assert {a["status"] for a in scene.answers} == {200}, told(scene)
    assert [a["attempts"] for a in scene.visits()] == [2, 2]
    check_window(*scene.visits()[:2], 1)
    outcomes = {e["attempts"][0]["outcome"] for e in scene.daemon.access_lines()
                if len(e["attempts"]) == 2}
    assert outcomes == {"connect_failure"}


@pytest.mark.parametrize("scene", ["503"], indirect=True)
def test_f_answers_503_which_is_seen_exactly_once_per_window(scene):
    seen = scene.visits()
    assert [(a["status"], a["attempts"]) for a in seen] == [(503, 1), (503, 1)], told(scene)
    assert all("F is busy" in a["text"] for a in seen)  # F's own answer, not ours
    check_window(*seen[:2], 1)
    assert {a["status"] for a in scene.answers if a not in seen} == {200}


@pytest.mark.parametrize("scene", ["500", "503", "refused"], indirect=True)
def test_ejection_and_return_are_told_in_log_and_metrics(scene):
    log = scene.daemon.stderr().lower()
    assert log.count("eject") >= 2, scene.daemon.stderr()
    assert F_NAME in scene.daemon.stderr()
    status_text = scene.daemon.admin("/status")[1]
    assert F_NAME in status_text and G_NAME in status_text
    metrics = scene.daemon.metrics()
    ejected = sum(v for (name, labels), v in metrics.items()
                  if name == "understudy_ejections_total" and ("backend", F_NAME) in labels)
    assert ejected == len(scene.visits())


def test_a_failing_tls_handshake_is_a_connect_failure(tmp_path, authority):
    scene = Scene(tmp_path / "tls", authority, status(500))
    scene.f.on_accept = no_tls_here
    try:
        scene.daemon.wait_ready()
        with openai.OpenAI(base_url=scene.daemon.base_url, api_key="x", max_retries=0) as client:
            first, second = scene.ask(client), scene.ask(client)
        assert (first["status"], first["attempts"]) == (200, 2), scene.daemon.logs()
        assert (second["status"], second["attempts"]) == (200, 1)
    finally:
        scene.stop()


def test_a_certificate_of_another_name_is_refused(tmp_path, authority):
    scene = Scene(tmp_path / "name", authority, status(500))
    scene.f.tls = authority.server_context("somebody.else.example")
    try:
        scene.daemon.wait_ready()
        with openai.OpenAI(base_url=scene.daemon.base_url, api_key="x", max_retries=0) as client:
            first = scene.ask(client)
        assert (first["status"], first["attempts"]) == (200, 2), scene.daemon.logs()
        assert scene.f.count == 0  # nothing was sent to who is not F
    finally:
        scene.stop()


def test_validate_accepts_the_seed_and_prints_its_inferences():
    done = run("validate", SEED)
    assert done.returncode == 0, done.stderr
    told_text = (done.stdout + done.stderr).lower()
    for word in ("awsbedrock", "tls", "1975", "credential"):
        assert word in told_text, f"{word!r} is not among the inferences:\n{told_text}"


def test_streaming_through_the_fallback(tmp_path, authority):
    scene = Scene(tmp_path / "stream", authority, status(500))
    try:
        scene.daemon.wait_ready()
        with openai.OpenAI(base_url=scene.daemon.base_url, api_key="x", max_retries=0) as client:
            chunks = list(client.chat.completions.create(
                model=MODEL, stream=True, stream_options={"include_usage": True}, messages=[{"role": "user", "content": "hi"}]))
        text = "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)
        assert text == bedrock.TEXT
        assert chunks[-1].usage.total_tokens == 11
        assert [c.choices[0].finish_reason for c in chunks if c.choices][-1] == "stop"
        wait_until(lambda: scene.g.requests[0].target.endswith("/converse-stream"))
    finally:
        assert scene.stop() == 0
    assert not scene.g.errors
