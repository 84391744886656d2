"""Running it: readiness, metrics, logs, status, drain and signals, validate, reload, secrets."""
import json
import re
import signal
import threading
import time

import pytest

from harness import config, raw
from harness.daemon import ROOT, run, total, wait_until
from providers import bedrock, openai_dialect
from providers.server import status

CHAT = "/v1/chat/completions"
JSON = [("content-type", "application/json")]
BODY = b'{"model":"m","messages":[{"role":"user","content":"hi"}]}'
STREAM = b'{"model":"m","stream":true,"messages":[{"role":"user","content":"hi"}]}'


def ask(daemon, headers=(), body=BODY):
    return raw.ask(daemon.port, "POST", CHAT, body, [*JSON, *headers])


# ---- admin listener -----------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/health", "/healthz", "/livez", "/ready", "/readyz"])
def test_health_and_readiness(start, provider, path):
    daemon = start(config.single(provider()))
    assert daemon.admin(path)[0] == 200
    with raw.Client(daemon.admin_port) as client:
        client.send(raw.request("HEAD", path))
        assert client.response(is_head=True).status == 200


def test_unknown_admin_path_is_404(start, provider):
    daemon = start(config.single(provider()))
    assert daemon.admin("/nothing/here")[0] == 404


def test_admin_off(start, provider):
    daemon = start(config.single(provider()), admin=False, wait=False)
    wait_until(lambda: _answers(daemon.port), what="the listener")
    assert not _answers(daemon.admin_port)


def _answers(port):
    try:
        raw.Client(port, timeout=2).sock.close()
        return True
    except OSError:
        return False


def test_the_first_answer_comes_quickly_after_the_start(start, provider):
    daemon = start(config.single(provider()))
    assert ask(daemon).status == 200
    assert time.monotonic() - daemon.started < 5


def test_metrics_count_requests_attempts_failovers_and_ejections(start, provider):
    primary, fallback = provider(status(500), "primary"), provider(name="fallback")
    daemon = start(config.primary_and_fallback(primary, fallback, config.traffic_policy(
        retry=config.retry(2, [500]),
        healthCheck=config.passive(consecutive5XxErrors=1, baseEjectionTime="60s"))))
    for _ in range(5):
        assert ask(daemon).status == 200
    wait_until(lambda: total(daemon.metrics(), "understudy_requests_total") == 5,
               what="five counted requests")
    metrics = daemon.metrics()
    assert total(metrics, "understudy_attempts_total", backend="primary") == 1
    assert total(metrics, "understudy_attempts_total", backend="fallback", outcome="ok") == 5
    assert total(metrics, "understudy_failovers_total") == 1
    assert total(metrics, "understudy_ejections_total", backend="primary") == 1
    assert total(metrics, "understudy_endpoint_ejected", backend="primary") == 1
    assert total(metrics, "understudy_request_duration_seconds_count") == 5
    assert total(metrics, "understudy_time_to_first_byte_seconds_count") == 5
    buckets = sorted((float(dict(labels)["le"].replace("+Inf", "inf")), value)
                     for (name, labels), value in metrics.items()
                     if name == "understudy_request_duration_seconds_bucket")
    assert [v for _, v in buckets] == sorted(v for _, v in buckets) and buckets[-1][1] == 5


def test_status_tells_routes_priorities_and_ejections(start, provider):
    primary, fallback = provider(status(500), "primary"), provider(name="fallback")
    daemon = start(config.primary_and_fallback(primary, fallback, config.traffic_policy(
        retry=config.retry(2, [500]),
        healthCheck=config.passive(consecutive5XxErrors=1, baseEjectionTime="60s"))))
    assert ask(daemon).status == 200
    code, text = daemon.admin("/status")
    assert code == 200
    flat = json.dumps(json.loads(text))
    for word in ("default/llm", "primary", "fallback", "ejected"):
        assert word in flat
    assert f"127.0.0.1:{primary.port}" in flat


# ---- logs ---------------------------------------------------------------------------------------


def test_one_access_log_line_a_request_with_every_attempt(start, provider):
    primary, fallback = provider(status(500), "primary"), provider(name="fallback")
    daemon = start(config.primary_and_fallback(primary, fallback, config.traffic_policy(
        retry=config.retry(1, [500], per_priority=1))))
    answer = ask(daemon, [("x-request-id", "log-me-0001"), ("user-agent", "tests")])
    line = daemon.access_line("log-me-0001")
    assert line["method"] == "POST" and line["path"] == CHAT and line["status"] == 200
    assert line["model"] == "m" and line["route"] == "default/llm"
    assert line["bytes_received"] >= len(BODY) and line["bytes_sent"] >= len(answer.body)
    assert line["stream"] is False and line["duration_ms"] >= line["first_byte_ms"] >= 0
    assert [(a["backend"], a["priority"], a["outcome"], a["status"]) for a in line["attempts"]] == [
        ("primary", 0, "status", 500), ("fallback", 1, "ok", 200)]
    assert all(a["ms"] >= 0 for a in line["attempts"])
    assert len(daemon.access_lines()) == 1


def test_a_client_cannot_forge_log_lines(start, provider):
    daemon = start(config.single(provider()))
    body = json.dumps({"model": 'x"}\n{"attempts":[],"request_id":"forged"}', "messages": []})
    ask(daemon, [("x-request-id", "honest-0001")], body.encode())
    assert daemon.access_line("honest-0001")["model"].startswith('x"}')
    assert [e["request_id"] for e in daemon.access_lines()] == ["honest-0001"]


SECRETS = {"backend key": "sk-backend-0123456789abcdef", "client key": "sk-client-0123456789abcdef",
           "aws key": bedrock.SECRET_KEY, "session token": bedrock.SESSION_TOKEN,
           "prompt": "the-prompt-nobody-may-log"}


def test_no_secret_is_ever_printed(start, provider):
    """Not in logs, not by any admin page, not in answers: with everything failing and at debug."""
    primary, fallback = provider(status(500), "primary"), provider(bedrock.converse(), "fallback")
    objects = [config.route([{"name": "primary", "priority": 0}, {"name": "fallback", "priority": 1}]),
               *config.backend("primary", primary.port, security=("APIKey", SECRETS["backend key"])),
               *config.bedrock("fallback", fallback.port)]
    daemon = start(config.documents(*objects), env=bedrock.ENVIRONMENT,
                   flags=["--log-level", "debug"])
    body = json.dumps({"model": "m", "messages": [{"role": "user", "content": SECRETS["prompt"]}]})
    headers = [("authorization", f"Bearer {SECRETS['client key']}")]
    answers = [ask(daemon, headers, body.encode())]
    fallback.refuse()
    fallback.reset_all()
    answers.append(ask(daemon, headers, body.encode()))
    answers.append(ask(daemon, headers, body.encode()[:-3]))
    assert [a.status for a in answers][::2] == [200, 400]
    assert f"Bearer {SECRETS['backend key']}" in primary.requests[0].header("authorization")
    shown = [daemon.stdout(), daemon.stderr(), *(repr(a.headers) + a.body.decode() for a in answers)]
    for path in ("/", "/status", "/config", "/metrics"):
        shown.append(daemon.admin(path)[1])
    validated = run("validate", *daemon.config_paths, env=bedrock.ENVIRONMENT)
    shown += [validated.stdout, validated.stderr]
    for name, secret in SECRETS.items():
        for text in shown:
            assert secret not in text, f"the {name} is in {text[:2000]}"


# ---- drain and signals --------------------------------------------------------------------------


@pytest.mark.parametrize("which", [signal.SIGTERM, signal.SIGINT])
def test_drain_lets_a_running_stream_finish(start, provider, which):
    gate = openai_dialect.Gated()
    daemon = start(config.single(provider(gate)))
    with raw.Client(daemon.port) as client, raw.Client(daemon.port) as idle:
        idle.send(raw.request("GET", "/v1/models"))
        assert idle.response().status == 200
        client.send(raw.request("POST", CHAT, STREAM, JSON))
        gate.let(2)
        assert client.head().status == 200
        got = client.chunk()
        daemon.signal(which)
        wait_until(lambda: daemon.admin("/ready", quiet=True)[0] == 503, what="not being ready")
        assert daemon.admin("/health")[0] == 200
        assert idle.is_closed_by_peer()  # an idle connection is not waited for
        assert daemon.process.poll() is None
        gate.let_all()
        while piece := client.chunk():
            got += piece
        assert got == b"".join(gate.pieces)
    assert daemon.wait() == 0
    assert not _answers(daemon.port)


def test_a_response_during_drain_closes_its_connection(start, provider):
    release = threading.Event()

    def slow(exchange):
        assert release.wait(20)
        openai_dialect.chat()(exchange)
    primary = provider(slow)
    daemon = start(config.single(primary))
    with raw.Client(daemon.port) as client:
        client.send(raw.request("POST", CHAT, BODY, JSON))
        primary.wait_for_requests(1)
        daemon.signal(signal.SIGTERM)
        wait_until(lambda: daemon.admin("/ready", quiet=True)[0] == 503, what="not being ready")
        release.set()
        answer = client.response()
        assert answer.status == 200 and answer.header("connection", "").lower() == "close"
    assert daemon.wait() == 0


def test_the_drain_timeout_ends_what_does_not_finish(start, provider):
    gate = openai_dialect.Gated()
    daemon = start(config.single(provider(gate)), flags=["--drain-timeout", "300ms"])
    with raw.Client(daemon.port) as client:
        client.send(raw.request("POST", CHAT, STREAM, JSON))
        gate.let(2)
        assert client.head().status == 200 and client.chunk()
        began = time.monotonic()
        daemon.signal(signal.SIGTERM)
        code = daemon.wait()
        assert 0.25 <= time.monotonic() - began < 5
        assert code in (0, 1)
        with pytest.raises((raw.EndOfStream, ValueError)):
            while client.chunk():
                pass
            raise AssertionError("the stream looked complete")
    gate.let_all()


def test_a_second_signal_ends_at_once(start, provider):
    gate = openai_dialect.Gated()
    daemon = start(config.single(provider(gate)))
    with raw.Client(daemon.port) as client:
        client.send(raw.request("POST", CHAT, STREAM, JSON))
        gate.let(2)
        assert client.head().status == 200
        daemon.signal(signal.SIGTERM)
        wait_until(lambda: daemon.admin("/ready", quiet=True)[0] != 200, what="the drain")
        assert daemon.process.poll() is None
        daemon.signal(signal.SIGTERM)
        daemon.wait(3)
    gate.let_all()


def test_an_idle_daemon_drains_at_once(start, provider):
    daemon = start(config.single(provider()))
    assert ask(daemon).status == 200
    began = time.monotonic()
    daemon.signal(signal.SIGTERM)
    assert daemon.wait(3) == 0
    assert time.monotonic() - began < 2


# ---- commands -----------------------------------------------------------------------------------


def test_version():
    done = run("version")
    assert done.returncode == 0
    for word in ("understudy", "Boost", "OpenSSL"):
        assert word in done.stdout
    assert run("--version").returncode == 0


@pytest.mark.parametrize("arguments", [["--nonsense"], ["run", "--nonsense"], ["nonsense"],
                                       ["run", "--workers", "many"], ["run", "--listen", "nowhere"],
                                       ["validate"], ["run", "--resolve", "x=y"]])
def test_usage_errors_exit_2_and_name_the_flag(arguments):
    done = run(*arguments)
    assert done.returncode == 2, done
    if arguments != ["validate"]:
        assert any(word.lstrip("-") in done.stderr for word in arguments[-2:]), done.stderr


def test_help():
    done = run("--help")
    assert done.returncode == 0
    for command in ("run", "validate", "demo", "version"):
        assert command in done.stdout


def test_run_without_anything_names_the_demo():
    done = run("run")
    assert done.returncode == 1
    assert "understudy demo" in done.stderr + done.stdout


def test_validate_accepts_a_good_file(tmp_path):
    path = tmp_path / "good.yaml"
    path.write_text(config.documents(config.route(["only"]), *config.backend("only", 8080)))
    assert run("validate", path).returncode == 0


BROKEN = """\
apiVersion: aigateway.envoyproxy.io/v1beta1
kind: AIGatewayRoute
metadata:
  name: llm
spec:
  rules:
    - backendRefs:
        - name: missing
          wieght: 2
---
apiVersion: gateway.envoyproxy.io/v1alpha1
kind: Backend
metadata:
  name: b
spec:
  endpoints:
    - ip: {address: 127.0.0.1, port: 99999}
"""


def test_validate_prints_every_finding_with_its_position(tmp_path):
    path = tmp_path / "broken.yaml"
    path.write_text(BROKEN)
    done = run("validate", path)
    assert done.returncode == 1
    lines = [line for line in done.stderr.splitlines() if ": error:" in line]
    assert any(line.startswith(f"{path}:9:11: error: ") and "weight" in line for line in lines), lines
    assert any(line.startswith(f"{path}:8:") and "missing" in line for line in lines), lines
    assert any(line.startswith(f"{path}:17:") and "65535" in line for line in lines), lines


def test_validate_lenient_makes_unknown_fields_warnings(tmp_path):
    path = tmp_path / "lenient.yaml"
    path.write_text(config.documents(config.route([{"name": "only", "wieght": 2}]),
                                     *config.backend("only", 8080)))
    assert run("validate", path).returncode == 1
    done = run("validate", "--lenient", path)
    assert done.returncode == 0 and "warning" in done.stderr and "weight" in done.stderr


def test_validate_as_json(tmp_path):
    path = tmp_path / "broken.yaml"
    path.write_text(BROKEN)
    done = run("validate", "--output", "json", path)
    assert done.returncode == 1
    findings = json.loads(done.stdout or done.stderr)
    errors = [f for f in findings if "error" in f.values()]
    assert len(errors) >= 3
    assert any(f.get("file") == str(path) and f.get("line") == 9 and f.get("column") == 11
               for f in errors), errors


def test_run_refuses_a_broken_configuration_and_opens_nothing(tmp_path):
    path = tmp_path / "broken.yaml"
    path.write_text(BROKEN)
    done = run("run", path)
    assert done.returncode == 1 and f"{path}:9:11: error: " in done.stderr


def test_run_says_which_socket_cannot_be_bound(start, provider):
    daemon = start(config.single(provider()))
    done = run("run", *daemon.config_paths, "--listen", f"127.0.0.1:{daemon.admin_port}",
               "--admin", "off")
    assert done.returncode == 1 and str(daemon.admin_port) in done.stderr


@pytest.mark.parametrize("name", ["provider-fallback", "openai-to-bedrock", "active-active",
                                  "local-models", "demo"])
def test_the_ready_configurations_validate(name):
    path = ROOT / "config" / f"{name}.yaml"
    names = set(re.findall(r"\$\{(\w+)\}", path.read_text()))  # what it wants from who runs it
    done = run("validate", path, env={name: "sk-something" for name in names})
    assert done.returncode == 0, done.stderr


def test_folders_and_several_files_are_one_configuration(start, provider, tmp_path):
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "b.yaml").write_text(config.documents(config.route(["only"])))
    (folder / "a.yml").write_text(config.documents(*config.backend("only", provider().port)))
    (folder / "notes.txt").write_text("not: [yaml")
    assert ask(start(folder)).status == 200


def test_variables_come_from_the_environment(start, provider):
    primary = provider()
    no_retry = config.traffic_policy(retry={"numRetries": 0})
    text = config.single(primary, no_retry).replace(f'"port": {primary.port}',
                                                    '"port": ${THE_PORT:-1}')
    assert ask(start(text, env={"THE_PORT": str(primary.port)})).status == 200
    assert ask(start(text)).status == 503


def test_providers_from_the_environment(start, provider):
    primary = provider()
    daemon = start(env={"OPENAI_API_KEY": "sk-from-environment",
                        "OPENAI_BASE_URL": f"http://127.0.0.1:{primary.port}/v1"})
    assert ask(daemon).status == 200
    assert primary.requests[0].header("authorization") == "Bearer sk-from-environment"
    assert primary.requests[0].target == CHAT


# ---- reload -------------------------------------------------------------------------------------


needs_watch = pytest.mark.skipif("--watch" not in run("run", "--help").stdout,
                                 reason="this build does not watch its files")


@pytest.mark.parametrize("how", ["SIGHUP", pytest.param("watch", marks=needs_watch),
                                 "POST /reload"])
def test_reload_takes_a_good_configuration(start, provider, how):
    first, second = provider(name="first"), provider(name="second")
    daemon = start(config.single(first))
    assert ask(daemon).status == 200 and first.count == 1
    daemon.config_paths[0].write_text(config.single(second))
    if how == "SIGHUP":
        daemon.signal(signal.SIGHUP)
    elif how == "POST /reload":
        assert daemon.admin("/reload", "POST")[0] == 200

    def is_second():
        assert ask(daemon).status == 200
        return second.count > 0
    wait_until(is_second, what="the new configuration")


def test_a_refused_reload_keeps_running(start, provider):
    primary = provider()
    daemon = start(config.single(primary))
    daemon.config_paths[0].write_text(BROKEN)
    daemon.signal(signal.SIGHUP)
    wait_until(lambda: ":9:11" in daemon.stderr(), what="the findings in the log")
    assert ask(daemon).status == 200 and primary.count == 1
    assert daemon.admin("/ready")[0] == 200


def test_a_running_stream_survives_a_reload(start, provider):
    gate = openai_dialect.Gated()
    first, second = provider(name="first").once(gate), provider(name="second")
    daemon = start(config.single(first))
    with raw.Client(daemon.port) as client:
        client.send(raw.request("POST", CHAT, STREAM, JSON))
        gate.let(2)
        assert client.head().status == 200
        got = client.chunk()
        daemon.config_paths[0].write_text(config.single(second))
        daemon.signal(signal.SIGHUP)

        def is_second():
            return ask(daemon).status == 200 and second.count > 0
        gate_free = gate.let_all  # the old provider goes on only after the new one is in force
        wait_until(is_second, what="the new configuration")
        gate_free()
        while piece := client.chunk():
            got += piece
    assert got == b"".join(gate.pieces)
