"""Metrics as Prometheus reads them, the dashboard that asks for them, the access log, costs."""
import json
import pathlib
import shutil
import signal
import subprocess

import pytest

from harness import config, promql, raw
from harness.daemon import ROOT, run, total, wait_until
from providers import bedrock, openai_dialect
from providers.server import close_before_head, status

CHAT = "/v1/chat/completions"
JSON = [("content-type", "application/json")]
USAGE = {"prompt_tokens": 7, "completion_tokens": 9, "total_tokens": 16}
DASHBOARD = ROOT / "deploy/grafana/understudy.json"
OPENMETRICS = {"accept": "application/openmetrics-text; version=1.0.0"}


def body(model="m", **more):
    return json.dumps({"model": model, "messages": [{"role": "user", "content": "hi"}], **more}).encode()


def ask(daemon, model="m", headers=(), path=CHAT, **more):
    return raw.ask(daemon.port, "POST", path, body(model, **more), [*JSON, *headers])


def counted_stream(exchange):
    """A stream with usage where it was asked for, as OpenAI has it."""
    asked = json.loads(exchange.body())
    exchange.head(200, openai_dialect.SSE)
    pieces = openai_dialect.events(openai_dialect.TEXT)
    if (asked.get("stream_options") or {}).get("include_usage"):
        pieces.insert(-1, openai_dialect.event({}, usage=USAGE))
    for piece in pieces:
        exchange.chunk(piece)
    exchange.last_chunk()


def answer(exchange):
    counted_stream(exchange) if json.loads(exchange.body()).get("stream") else openai_dialect.chat()(exchange)


COSTS = [{"metadataKey": "llm_total_token", "type": "TotalToken"},
         {"metadataKey": "llm_input_token", "type": "InputToken"},
         {"metadataKey": "price", "type": "CEL",
          "cel": "model == 'dear' ? input_tokens * 10u : input_tokens + output_tokens * 2u"}]


@pytest.fixture
def busy(start, provider):
    """A daemon that has seen a bit of everything: failover, an ejection, streams, costs, a refusal."""
    primary, fallback = provider(name="primary"), provider(answer, name="fallback")
    primary.always(status(503))
    daemon = start(config.primary_and_fallback(
        primary, fallback,
        config.traffic_policy(retry=config.retry(2, [503], per_priority=1),
                              healthCheck=config.passive(consecutive5XxErrors=2, baseEjectionTime="300s")),
        llmRequestCosts=COSTS))
    for _ in range(3):
        assert ask(daemon).status == 200
    assert ask(daemon, stream=True).status == 200
    assert ask(daemon, path="/nothing").status == 404
    primary.always(answer)
    daemon.admin("/reload", "POST")
    return daemon


def scrape(daemon, headers=None):
    code, text = daemon.admin("/metrics", headers=headers)
    assert code == 200
    return text


def test_promtool_finds_nothing_to_say(busy):
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("no promtool here: it is in Debian's package prometheus")
    told = subprocess.run([promtool, "check", "metrics"], input=scrape(busy), text=True,
                          capture_output=True, timeout=60, check=False)
    assert (told.returncode, told.stdout + told.stderr) == (0, "")


def families(text, is_openmetrics):
    """{family: type}; a strict reading of what promtool reads, for where there is none."""
    found, current, seen = {}, None, set()
    for line in text.splitlines():
        if line == "# EOF":
            assert is_openmetrics
            continue
        if line.startswith("# HELP "):
            current = line.split(" ")[2]
            assert current not in found and len(line.split(" ", 3)[3]) > 3
            found[current] = None
        elif line.startswith("# TYPE "):
            assert line.split(" ")[2] == current
            found[current] = line.split(" ")[3]
        else:
            name = line.split("{")[0].split(" ")[0]
            assert line.rpartition(" ")[0] not in seen, f"twice: {line}"
            seen.add(line.rpartition(" ")[0])
            suffixes = {"histogram": ("_bucket", "_sum", "_count"), "gauge": ("",),
                        "counter": ("_total",) if is_openmetrics else ("",)}[found[current]]
            assert name in [current + s for s in suffixes], line
            if found[current] == "counter":
                assert name.endswith("_total")
    return found


@pytest.mark.parametrize("is_openmetrics", [False, True])
def test_the_page_is_well_formed(busy, is_openmetrics):
    text = scrape(busy, OPENMETRICS if is_openmetrics else None)
    assert text.endswith("# EOF\n") == is_openmetrics
    found = families(text, is_openmetrics)
    documented = (ROOT / "docs/metrics.md").read_text()
    for name in found:
        bare = name.removesuffix("_total")
        assert f"`{bare}`" in documented, f"docs/metrics.md does not tell of {name}"


def test_every_query_of_the_dashboard_has_its_metrics_and_labels(busy):
    dashboard = json.loads(DASHBOARD.read_text())
    have = {}
    for name, labels in busy.metrics():
        have.setdefault(name, set()).update(key for key, _ in labels)
    queries = [target["expr"] for panel in dashboard["panels"] for target in panel.get("targets", [])]
    assert len(queries) > 30
    optional = {"error_type",  # on failures only, as in OpenTelemetry
                "job", "instance"}  # Prometheus adds them
    families_there = families(scrape(busy), False)
    for query in queries:
        named = promql.metrics_and_labels(query)
        assert named, query
        for metric, labels in named:
            family = metric
            for suffix in ("_bucket", "_sum", "_count"):
                if metric.removesuffix(suffix) in families_there:
                    family = metric.removesuffix(suffix)
            assert family in families_there, f"{metric} of {query!r} is not on the page"
            if metric in NOT_IN_THIS_STORY:
                continue
            assert metric in have, f"{metric} of {query!r} has no sample"
            missing = labels - have[metric] - optional - {"le"}
            assert not missing, f"{metric} of {query!r} has no {missing}"
            assert "le" not in labels or metric.endswith("_bucket"), query
    listed = [v["definition"] for v in dashboard["templating"]["list"] if v["type"] == "query"]
    assert listed == ["label_values(understudy_requests_total, route)"]


# Nothing in `busy` is cut off after its answer began: the family is there without samples.
NOT_IN_THIS_STORY = {"understudy_abandoned_tokens_total"}


def test_the_query_reader_sees_names_and_labels():
    query = ('histogram_quantile(0.95, sum by (le, a) (rate(x_bucket{b=~"$b",c!="}"}[$__rate_interval]))) '
             "/ on (d) y or vector(1e3)")
    with pytest.raises(AssertionError):
        promql.metrics_and_labels('x{a b="c"}')
    assert promql.metrics_and_labels(query.replace('"}"', '"e"')) == [
        ("x_bucket", {"le", "a", "b", "c", "d"}), ("y", {"le", "a", "d"})]


def genai(daemon, name, **labels):
    return total(daemon.metrics(), name, **labels)


def test_genai_metrics_tell_of_the_attempt_that_answered(start, provider):
    primary, fallback = provider(close_before_head, "primary"), provider(bedrock.converse(), "fallback")
    daemon = start(config.documents(
        config.route([{"name": "primary", "priority": 0},
                      {"name": "fallback", "priority": 1, "modelNameOverride": "claude"}]),
        *config.backend("primary", primary.port), *config.bedrock("fallback", fallback.port)),
        env=bedrock.ENVIRONMENT)
    assert ask(daemon, "gpt").status == 200
    assert ask(daemon, "gpt", stream=True).status == 200
    labels = {"gen_ai_operation_name": "chat", "gen_ai_provider_name": "aws.bedrock",
              "gen_ai_original_model": "gpt", "gen_ai_request_model": "claude",
              "gen_ai_response_model": "claude", "otel_scope_name": "envoyproxy/ai-gateway",
              "otel_scope_version": "", "otel_scope_schema_url": ""}
    wait_until(lambda: genai(daemon, "gen_ai_server_request_duration_seconds_count", **labels) == 2,
               what="both requests are counted")
    assert genai(daemon, "gen_ai_server_time_to_first_token_seconds_count", **labels) == 1
    for kind in ("input", "output"):
        assert genai(daemon, "gen_ai_client_token_usage_count", gen_ai_token_type=kind, **labels) == 2
    assert genai(daemon, "gen_ai_client_token_usage_count", gen_ai_token_type="total") == 0


def test_answers_that_pass_untouched_are_counted_too(start, provider):
    daemon = start(config.single(provider(answer)))
    assert ask(daemon).status == 200
    assert ask(daemon, stream=True, stream_options={"include_usage": True}).status == 200
    labels = {"gen_ai_provider_name": "openai", "gen_ai_response_model": "served-model"}
    wait_until(lambda: genai(daemon, "gen_ai_client_token_usage_sum", gen_ai_token_type="input", **labels) == 14,
               what="both requests are counted")
    assert genai(daemon, "gen_ai_client_token_usage_sum", gen_ai_token_type="output", **labels) == 18
    wait_until(lambda: len(daemon.access_lines()) == 2, what="two lines")
    line = daemon.access_lines()[-1]
    assert line["model_answered"] == "served-model" and line["response_id"] == "chatcmpl-1"
    assert line["tokens"]["total"] == 16 and line["first_content_ms"] > 0


def test_the_usage_behind_a_large_answer_is_seen(start, provider):
    """Embeddings are larger than what is held before the answer goes out."""
    data = [{"object": "embedding", "index": 0, "embedding": [0.123456789] * 200_000}]
    text = json.dumps({"object": "list", "data": data, "model": "e",
                       "usage": {"prompt_tokens": 4, "total_tokens": 4}}).encode()
    daemon = start(config.single(provider(status(200, text))))
    got = raw.ask(daemon.port, "POST", "/v1/embeddings", b'{"model":"e","input":"x"}', JSON)
    assert got.body == text
    assert genai(daemon, "gen_ai_client_token_usage_sum", gen_ai_operation_name="embeddings",
                 gen_ai_token_type="input") == 4


def test_header_fields_are_labels_and_attributes_where_they_are_mapped(start, provider):
    env = {"OTEL_AIGW_REQUEST_HEADER_ATTRIBUTES": "x-team:team.name",
           "OTEL_AIGW_METRICS_REQUEST_HEADER_ATTRIBUTES": "x-tenant:tenant.id"}
    daemon = start(config.single(provider(answer)), env=env, workers=1)
    assert ask(daemon, headers=[("X-Team", "red"), ("x-tenant", "t-1"), ("agent-session-id", 's "7"'),
                                ("x-request-id", "mapped")]).status == 200
    assert ask(daemon, headers=[("x-request-id", "bare")]).status == 200
    assert daemon.access_line("mapped")["attributes"] == {"team.name": "red", "session.id": 's "7"'}
    assert "attributes" not in daemon.access_line("bare")
    name = "gen_ai_server_request_duration_seconds_count"
    assert genai(daemon, name, team_name="red", tenant_id="t-1") == 1
    assert genai(daemon, name) == 2
    for number in range(200):
        ask(daemon, headers=[("x-tenant", f"tenant-{number}")])
    tenants = {value for _, labels in daemon.metrics() for key, value in labels if key == "tenant_id"}
    assert len(tenants) == 65 and "other" in tenants
    families(scrape(daemon), False)


@pytest.mark.parametrize("variable", ["", "METRICS_", "LOG_"])
def test_a_key_is_no_label_and_no_attribute(tmp_path, variable):
    path = tmp_path / "c.yaml"
    path.write_text(config.documents(config.route(["a"]), *config.backend("a", 1)))
    for wrong in ("authorization:user", "x-team"):
        done = run("run", path, env={f"OTEL_AIGW_{variable}REQUEST_HEADER_ATTRIBUTES": wrong})
        assert done.returncode == 2 and f"OTEL_AIGW_{variable}REQUEST_HEADER_ATTRIBUTES" in done.stderr


def test_names_that_clients_make_up_are_no_labels(start, provider):
    only = provider(status(404, b'{"error":{"message":"no such model"}}'))
    daemon = start(config.single(only))
    for number in range(40):
        ask(daemon, f"made-up-{number}")
    models = {value for (name, labels) in daemon.metrics() if name.startswith("gen_ai_")
              for key, value in labels if key == "gen_ai_original_model"}
    assert models == {"other"}
    only.always(answer)
    ask(daemon, "made-up-1")
    assert genai(daemon, "gen_ai_client_token_usage_count", gen_ai_original_model="made-up-1") == 2


def test_costs_are_logged_and_summed_and_ask_for_usage(start, provider):
    only = provider(answer)
    daemon = start(config.single(only, llmRequestCosts=COSTS))
    assert ask(daemon, headers=[("x-request-id", "unary")]).status == 200
    streamed = ask(daemon, "dear", [("x-request-id", "stream")], stream=True)
    assert b'"usage"' in streamed.body
    assert json.loads(only.requests[-1].body)["stream_options"] == {"include_usage": True}
    assert daemon.access_line("unary")["costs"] == {"llm_total_token": 16, "llm_input_token": 7, "price": 25}
    assert daemon.access_line("stream")["costs"] == {"llm_total_token": 16, "llm_input_token": 7, "price": 70}
    metrics = daemon.metrics()
    assert total(metrics, "understudy_cost_total", key="price", route="default/llm") == 95
    assert total(metrics, "understudy_cost_total", key="llm_total_token") == 32
    only.always(status(400))
    ask(daemon, headers=[("x-request-id", "refused")])
    assert "costs" not in daemon.access_line("refused")


def test_no_costs_leave_the_request_alone(start, provider):
    only = provider(answer)
    daemon = start(config.single(only))
    assert ask(daemon, stream=True).status == 200
    assert "stream_options" not in json.loads(only.requests[-1].body)


def test_an_expression_that_is_wrong_is_refused_at_its_place(tmp_path):
    wrong = [{"metadataKey": "k", "type": "CEL", "cel": "input_tokens * 2"}]
    path = tmp_path / "c.yaml"
    path.write_text(config.documents(config.route(["a"], llmRequestCosts=wrong), *config.backend("a", 1)))
    done = run("validate", path)
    assert done.returncode == 1
    assert "spec.llmRequestCosts[0].cel: at character 14, `* 2`" in done.stderr


def envoy_proxy(*settings, **more):
    return {"apiVersion": "gateway.envoyproxy.io/v1alpha1", "kind": "EnvoyProxy",
            "metadata": {"name": "proxy"},
            "spec": {"telemetry": {"accessLog": {"settings": list(settings), **more}}}}


def file_sink(path):
    return [{"type": "File", "file": {"path": str(path)}}]


def test_access_logs_of_an_envoy_proxy(start, provider, tmp_path):
    text, lines = tmp_path / "text.log", tmp_path / "json.log"
    settings = [
        {"format": {"type": "Text",
                    "text": "%REQ(:METHOD)% %REQ(:PATH)% %RESPONSE_CODE% %RESPONSE_FLAGS% "
                            "%REQ(AUTHORIZATION)% %RESP(X-PROVIDER)%\n"}, "sinks": file_sink(text)},
        {"format": {"type": "JSON", "json": {
            "code": "%RESPONSE_CODE%", "agent": "%REQ(USER-AGENT)%", "none": "%REQ(X-NONE)%",
            "total": "%DYNAMIC_METADATA(io.envoy.ai_gateway:llm_total_token)%",
            "backend": "%DYNAMIC_METADATA(io.envoy.ai_gateway:backend_name)%",
            "host": "%UPSTREAM_HOST%"}}, "sinks": file_sink(lines)}]
    only = provider(openai_dialect.chat(headers=[("x-provider", "p1"), ("set-cookie", "secret")]))
    daemon = start(config.single(only, envoy_proxy(*settings), llmRequestCosts=COSTS))
    secret = [("authorization", "Bearer sk-secret"), ("user-agent", 'a "b"')]
    assert ask(daemon, headers=secret).status == 200
    wait_until(lambda: lines.read_text() and text.read_text(), what="lines")
    assert text.read_text() == f"POST {CHAT} 200 - [redacted] p1\n"
    assert json.loads(lines.read_text()) == {
        "code": 200, "agent": 'a "b"', "none": None, "total": 16,
        "backend": "default/only/route/llm/rule/0/ref/0", "host": f"127.0.0.1:{only.port}"}
    assert daemon.stdout() == ""


def test_a_moved_log_is_opened_anew(start, provider, tmp_path):
    path = tmp_path / "access.log"
    daemon = start(config.single(provider(answer)), flags=[
        "--access-log", str(path), "--access-log-format", "%REQ(X-REQUEST-ID)% %RESPONSE_CODE%"])
    ask(daemon, headers=[("x-request-id", "first")])
    wait_until(lambda: path.read_text() == "first 200\n", what="the first line")
    path.rename(tmp_path / "old.log")
    daemon.signal(signal.SIGUSR1)
    wait_until(path.exists, what="a new file")
    ask(daemon, headers=[("x-request-id", "second")])
    wait_until(lambda: path.read_text() == "second 200\n", what="the second line")
    assert (tmp_path / "old.log").read_text() == "first 200\n"


def test_a_full_disk_stops_no_traffic(start, provider):
    daemon = start(config.single(provider(answer)), flags=["--access-log", "/dev/full"])
    for _ in range(20):
        assert ask(daemon).status == 200
    wait_until(lambda: total(daemon.metrics(), "understudy_access_log_dropped_total") == 20,
               what="20 dropped lines")


def test_a_log_that_can_not_be_opened_is_told(start, provider, tmp_path):
    daemon = start(config.single(provider(answer)), flags=["--access-log", str(tmp_path / "no/folder/log")])
    assert ask(daemon).status == 200
    assert "can't open" in daemon.stderr()
    wait_until(lambda: total(daemon.metrics(), "understudy_access_log_dropped_total") == 1,
               what="a dropped line")


def test_formats_are_checked_where_they_are_written(tmp_path):
    path = tmp_path / "c.yaml"
    path.write_text(config.documents(
        config.route(["a"]), *config.backend("a", 1),
        envoy_proxy({"format": {"type": "Text", "text": "%NOPE%"}, "sinks": file_sink("/dev/stdout")})))
    done = run("validate", path)
    assert done.returncode == 1 and "unknown command `%NOPE%`" in done.stderr
    done = run("run", "--access-log-format", "%NOPE%", path)
    assert done.returncode == 2 and "--access-log-format" in done.stderr


def test_flags_of_the_end_of_a_stream(start, provider):
    gate = openai_dialect.Gated(ending=lambda exchange: exchange.reset())
    daemon = start(config.single(provider(gate)))
    with raw.Client(daemon.port) as client:
        client.send(raw.request("POST", CHAT, body(stream=True), [*JSON, ("x-request-id", "cut")]))
        gate.let(3)
        assert client.head().status == 200
        gate.cut()
        line = daemon.access_line("cut")
    assert (line["status"], line["origin"], line["flags"]) == (200, "upstream", "UC")
    assert line["attempts"][0]["content_ms"] >= 0
