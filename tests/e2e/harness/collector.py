"""A strict OTLP/HTTP receiver of traces, as a script for a Provider: what it takes is what the
protobuf schema allows and what OpenTelemetry's specification says of spans."""
import base64
import gzip
import json
import threading

from google.protobuf import json_format
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2

from harness.daemon import wait_until

MEDIA = {"application/x-protobuf", "application/json"}


def value_of(any_value):
    kind = any_value.WhichOneof("value")
    assert kind is not None, "an attribute without a value"
    value = getattr(any_value, kind)
    return [value_of(one) for one in value.values] if kind == "array_value" else value


def attributes_of(pairs):
    found = {}
    for pair in pairs:
        assert pair.key and pair.key not in found, f"the key {pair.key!r} is empty or twice there"
        found[pair.key] = value_of(pair.value)
    return found


class Span:
    def __init__(self, span, resource):
        assert len(span.trace_id) == 16 and any(span.trace_id)
        assert len(span.span_id) == 8 and any(span.span_id)
        assert len(span.parent_span_id) in (0, 8)
        assert span.name and span.kind in (1, 2, 3)
        assert 0 < span.start_time_unix_nano <= span.end_time_unix_nano
        self.trace_id, self.id = span.trace_id.hex(), span.span_id.hex()
        self.parent, self.name, self.kind = span.parent_span_id.hex(), span.name, span.kind
        self.state, self.resource = span.trace_state, resource
        self.start, self.end = span.start_time_unix_nano, span.end_time_unix_nano
        self.attributes = attributes_of(span.attributes)
        self.events = {e.name: attributes_of(e.attributes) for e in span.events}
        for event in span.events:
            assert self.start <= event.time_unix_nano <= self.end, event.name
        self.is_error, self.message = span.status.code == 2, span.status.message

    def __repr__(self):
        return f"<{self.name} {self.attributes}>"


def ids_as_base64(value):
    """OTLP/JSON writes ids in hexadecimal, protobuf's JSON mapping reads base64."""
    if isinstance(value, list):
        return [ids_as_base64(v) for v in value]
    if not isinstance(value, dict):
        return value
    return {k: base64.b64encode(bytes.fromhex(v)).decode()
            if k in ("traceId", "spanId", "parentSpanId") else ids_as_base64(v)
            for k, v in value.items()}


class Collector:
    """`answers`: what comes before it takes spans, each a status or a callable of the exchange."""

    def __init__(self, answers=()):
        self.answers = list(answers)
        self.lock = threading.Lock()
        self.spans, self.bodies, self.headers = [], [], []

    def __call__(self, exchange):
        request = exchange.request
        assert request.method == "POST", request.method
        body = exchange.body()
        with self.lock:
            answer = self.answers.pop(0) if self.answers else 200
        if callable(answer):
            return answer(exchange)
        if answer != 200:
            return exchange.reply(answer, b"")
        media = request.header("content-type")
        assert media in MEDIA, media
        coding = request.header("content-encoding")
        assert coding in (None, "gzip"), coding
        data = gzip.decompress(body) if coding else body
        spans = self.read(data, media)
        with self.lock:
            self.headers.append({n.lower(): v for n, v in request.headers})
            self.bodies.append(data)
            self.spans += spans
        return exchange.reply(200, b"{}" if media == "application/json" else b"", content_type=media)

    @staticmethod
    def read(data, media):
        message = trace_service_pb2.ExportTraceServiceRequest()
        if media == "application/json":
            json_format.ParseDict(ids_as_base64(json.loads(data)), message)
        else:
            message.ParseFromString(data)
            assert message.SerializeToString(deterministic=True) == data, "unknown or odd fields"
        spans = []
        for of_resource in message.resource_spans:
            resource = attributes_of(of_resource.resource.attributes)
            assert resource.get("service.name")
            for of_scope in of_resource.scope_spans:
                assert of_scope.scope.name == "understudy" and of_scope.scope.version
                spans += [Span(s, resource) for s in of_scope.spans]
        assert spans, "a request without spans"
        return spans

    def wait_for(self, count, timeout=15.0):
        def enough():
            with self.lock:
                return list(self.spans) if len(self.spans) >= count else None
        return wait_until(enough, timeout, what=f"{count} spans (there are {self.spans})")

    def by_name(self, count):
        return {s.name: s for s in self.wait_for(count)}
