"""Spans, as a strict OTLP receiver takes them, and what tracing may never do to a request."""
import json
import re
import signal

import pytest

from harness import config, daemon as daemons, raw
from harness.collector import Collector
from harness.daemon import total, wait_until
from providers import openai_dialect
from providers.server import hang, status

CHAT = "/v1/chat/completions"
SECRET = "the answer is 42"
TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
TRACEPARENT = f"00-{TRACE}-{PARENT}-01"
TRACEPARENT_FORM = re.compile(r"00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})")


def body(stream=False, **more):
    return json.dumps({"model": "m", "stream": stream, "temperature": 0.5, **more,
                       "messages": [{"role": "user", "content": SECRET}]}).encode()


def ask(daemon, headers=(), stream=False, **more):
    return raw.ask(daemon.port, "POST", CHAT, body(stream, **more),
                   [("content-type", "application/json"), ("authorization", "Bearer client-key"),
                    *headers])


def environment(collector, **more):
    return {"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{collector.port}",
            "OTEL_BSP_SCHEDULE_DELAY": "50", **more}


def traceparent(request):
    found = TRACEPARENT_FORM.fullmatch(request.header("traceparent"))
    assert found, request.headers
    return found.groups()


@pytest.fixture
def stage(start, provider):
    """stage(env…) → daemon, primary that fails, fallback that answers, the collector."""
    def make(collector=None, primary=None, **env):
        collector = collector or Collector()
        receiver = provider(collector, "collector")
        first = provider(primary or status(503), "primary")
        second = provider(openai_dialect.chat(), "fallback")
        once_each = config.traffic_policy(
            retry=config.retry(3, [503, 429], per_priority=1),
            healthCheck=config.passive(consecutive5XxErrors=1000))
        daemon = start(config.primary_and_fallback(first, second, once_each),
                       env=environment(receiver, **env))
        return daemon, first, second, collector
    return make


def test_a_failover_is_one_trace_through_all_of_them(stage):
    daemon, primary, fallback, collector = stage()
    answer = ask(daemon, [("traceparent", TRACEPARENT), ("tracestate", "a=1"),
                          ("agent-session-id", "s-7")])
    assert answer.status == 200
    spans = collector.by_name(3)
    request = spans["ChatCompletion"]
    first, second = spans["attempt primary"], spans["attempt fallback"]
    assert (request.trace_id, request.parent, request.state) == (TRACE, PARENT, "a=1")
    assert request.resource["service.name"] == "ai-gateway"
    have = request.attributes
    assert have["openinference.span.kind"] == "LLM" and have["llm.system"] == "openai"
    assert have["llm.model_name"] == "served-model" or have["llm.model_name"] == "m"
    assert have["understudy.attempts"] == 2 and have["understudy.backend"] == "fallback"
    assert have["understudy.request_id"] == answer.header("x-request-id")
    assert have["session.id"] == "s-7"
    assert json.loads(have["llm.invocation_parameters"]) == {"stream": False, "temperature": 0.5}
    assert not request.is_error
    for span, upstream in ((first, primary), (second, fallback)):
        assert span.parent == request.id and span.kind == 3
        assert request.start <= span.start <= span.end <= request.end
        got = upstream.requests[0]
        assert traceparent(got) == (TRACE, span.id, "01")
        assert got.header("tracestate") == "a=1"
    assert first.is_error and first.attributes["error.type"] == "503"
    assert not second.is_error and second.attributes["understudy.attempt.outcome"] == "ok"
    assert first.end <= second.start


def test_a_malformed_context_begins_a_new_trace(stage):
    daemon, primary, _, collector = stage()
    for header in (TRACEPARENT.upper(), f"00-{TRACE}-{'0' * 16}-01", TRACEPARENT + "-00"):
        assert ask(daemon, [("traceparent", header), ("tracestate", "a=1")]).status == 200
    spans = collector.wait_for(9)
    requests = [s for s in spans if s.name == "ChatCompletion"]
    assert len({s.trace_id for s in requests}) == 3 and TRACE not in {s.trace_id for s in spans}
    assert all(not s.parent for s in requests)
    for got in primary.requests:
        assert traceparent(got)[0] != TRACE and got.header("tracestate") is None


def test_a_stream_has_its_first_content(stage):
    daemon, _, _, collector = stage(AI_GATEWAY_TRACING_SEMCONV="gen_ai")
    assert ask(daemon, stream=True).status == 200
    request = collector.by_name(3)["chat m"]
    assert request.attributes["gen_ai.operation.name"] == "chat"
    assert request.attributes["gen_ai.provider.name"] == "openai"
    assert request.attributes["gen_ai.request.model"] == "m"
    assert request.attributes["gen_ai.request.temperature"] == 0.5
    assert "First Token Stream Event" in request.events


@pytest.mark.parametrize("stream", [False, True])
def test_why_the_model_stopped(stage, stream):
    daemon, _, _, collector = stage(AI_GATEWAY_TRACING_SEMCONV="gen_ai")
    assert ask(daemon, stream=stream).status == 200
    spans = collector.by_name(3)
    assert spans["chat m"].attributes["gen_ai.response.finish_reasons"] == ["stop"]
    assert "gen_ai.response.finish_reasons" not in spans["attempt fallback"].attributes


def test_failures_end_as_errors(stage, provider):
    daemon, _, fallback, collector = stage()
    fallback.always(status(429))
    answer = ask(daemon)
    assert answer.status == 429
    request = collector.by_name(3)["ChatCompletion"]
    assert request.is_error and request.attributes["http.response.status_code"] == 429
    assert request.events["exception"]["exception.type"] == "RateLimitError"
    assert "of the provider" not in str(request.events)


def test_neither_content_nor_keys_leave_by_default(stage):
    daemon, _, _, collector = stage(OTEL_EXPORTER_OTLP_HEADERS="x-collector-key=k%20ey")
    assert ask(daemon).status == 200
    assert ask(daemon, stream=True).status == 200
    collector.wait_for(6)
    sent = b"".join(collector.bodies)
    for word in (SECRET.encode(), b"client-key", openai_dialect.TEXT[:12].encode(), b"k ey"):
        assert word not in sent
    assert collector.headers[0]["x-collector-key"] == "k ey"
    assert "k ey" not in daemon.stderr() and "k%20ey" not in daemon.stderr()


@pytest.mark.parametrize("stream", [False, True])
def test_content_where_it_is_asked_for(stage, stream):
    daemon, _, _, collector = stage(OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT="true")
    assert ask(daemon, stream=stream).status == 200
    have = collector.by_name(3)["ChatCompletion"].attributes
    assert have["llm.input_messages.0.message.content"] == SECRET
    assert have["llm.output_messages.0.message.content"] == openai_dialect.TEXT
    assert SECRET in have["input.value"] and openai_dialect.TEXT in have["output.value"]


def test_json_and_gzip(stage):
    daemon, _, _, collector = stage(OTEL_EXPORTER_OTLP_PROTOCOL="http/json",
                                    OTEL_EXPORTER_OTLP_COMPRESSION="gzip",
                                    OTEL_SERVICE_NAME="under study",
                                    OTEL_RESOURCE_ATTRIBUTES="team=a%2Cb")
    for _ in range(20):
        assert ask(daemon).status == 200
    spans = collector.wait_for(60)
    assert spans[0].resource["service.name"] == "under study"
    assert spans[0].resource["team"] == "a,b"
    assert collector.headers[0]["content-encoding"] == "gzip"


def test_what_is_not_sampled_is_not_sent_but_goes_on(stage):
    daemon, primary, _, collector = stage(OTEL_TRACES_SAMPLER="parentbased_always_off")
    assert ask(daemon, [("traceparent", TRACEPARENT[:-1] + "0")]).status == 200
    assert ask(daemon).status == 200
    assert ask(daemon, [("traceparent", TRACEPARENT)]).status == 200
    assert {s.trace_id for s in collector.wait_for(3)} == {TRACE}
    assert [traceparent(r)[2] for r in primary.requests] == ["00", "00", "01"]
    assert traceparent(primary.requests[0])[0] == TRACE


def test_other_formats_in_and_out(stage):
    daemon, primary, _, collector = stage(OTEL_PROPAGATORS="b3")
    assert ask(daemon, [("b3", f"{TRACE}-{PARENT}-1"), ("traceparent", "kept")]).status == 200
    spans = collector.by_name(3)
    assert spans["ChatCompletion"].trace_id == TRACE
    got = primary.requests[0]
    assert got.header("b3") == f"{TRACE}-{spans['attempt primary'].id}-1"
    assert got.header("traceparent") == "kept"


def test_off_means_that_nothing_is_touched(start, provider):
    only = provider()
    daemon = start(config.single(only), env={"OTEL_TRACES_EXPORTER": "none",
                                             "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1"})
    assert ask(daemon, [("traceparent", "as it came")]).status == 200
    assert ask(daemon).status == 200
    assert only.requests[0].header("traceparent") == "as it came"
    assert only.requests[1].header("traceparent") is None
    assert "understudy_trace" not in daemon.admin("/metrics")[1]


def test_the_console(start, provider):
    daemon = start(config.single(provider()), env={"OTEL_TRACES_EXPORTER": "console",
                                                   "OTEL_BSP_SCHEDULE_DELAY": "50"})
    assert ask(daemon).status == 200

    def lines():
        found = [json.loads(line) for line in daemon.stdout().splitlines()]
        return [one for one in found if "spanId" in one]
    assert {s["name"] for s in wait_until(lines)} == {"ChatCompletion", "attempt only"}


@pytest.mark.parametrize("name, value", [
    ("AI_GATEWAY_TRACING_SEMCONV", "openinfer"),
    ("OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4318")])
def test_what_must_not_be_mistaken_ends_the_start(provider, tmp_path, name, value):
    path = tmp_path / "config.yaml"
    path.write_text(config.single(provider()))
    done = daemons.run("run", path, "--listen", "127.0.0.1:0", "--admin", "off",
                       env={"OTEL_TRACES_EXPORTER": "otlp", name: value})
    assert done.returncode in (1, 2) and name in done.stderr, done


# ---- a collector that fails costs nothing but its spans ---------------------------------------------


def test_a_collector_that_says_later_gets_them_later(stage):
    daemon, _, _, collector = stage(Collector(answers=[503]))
    assert ask(daemon).status == 200
    assert len(collector.wait_for(3)) == 3
    wait_until(lambda: "takes spans again" in daemon.stderr(), what="the good news in the log")
    assert total(daemon.metrics(), "understudy_trace_spans_dropped_total") == 0


def test_a_collector_that_says_no_is_not_asked_twice(stage):
    daemon, _, _, collector = stage(Collector(answers=[400]))
    assert ask(daemon).status == 200
    wait_until(lambda: total(daemon.metrics(), "understudy_trace_spans_dropped_total",
                             reason="export_failed") == 3, what="three dropped spans")
    assert ask(daemon).status == 200
    assert len(collector.wait_for(3)) == 3


def test_a_dead_collector_costs_only_its_spans(start, provider):
    only = provider()
    daemon = start(config.single(only), env={
        "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{daemons.free_port()}",
        "OTEL_BSP_SCHEDULE_DELAY": "20", "OTEL_BSP_MAX_QUEUE_SIZE": "20",
        "OTEL_BSP_MAX_EXPORT_BATCH_SIZE": "10"})
    for _ in range(60):
        assert ask(daemon).status == 200

    def dropped():
        return total(daemon.metrics(), "understudy_trace_spans_dropped_total", reason="queue_full")
    wait_until(dropped, what="a full queue")
    assert daemon.stderr().count("does not take spans") == 1
    daemon.signal(signal.SIGTERM)
    assert daemon.wait() == 0
    assert "spans were lost in all" in daemon.stderr()


def test_a_silent_collector_holds_up_neither_requests_nor_the_end(stage):
    daemon, _, _, _ = stage(Collector(answers=[hang] * 10))
    for _ in range(20):
        assert ask(daemon).status == 200
    daemon.signal(signal.SIGTERM)
    assert daemon.wait() == 0


def test_the_last_spans_are_sent_before_the_end(stage):
    daemon, _, _, collector = stage(OTEL_BSP_SCHEDULE_DELAY="3600000")
    assert ask(daemon).status == 200
    daemon.signal(signal.SIGTERM)
    assert daemon.wait() == 0
    assert len(collector.wait_for(3)) == 3
