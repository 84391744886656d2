"""Where a request goes and what becomes of it on the way: models, routes, plain HTTPRoutes, mutations,
overrides, credentials."""
import json

import pytest

from harness import config, raw
from providers import bedrock
from providers.server import status

CHAT = "/v1/chat/completions"
JSON = [("content-type", "application/json")]
SECRET = "sk-upstream-secret-0123456789"


def chat(daemon, model="m", headers=(), path=CHAT, **more):
    body = json.dumps({"model": model, "messages": [{"role": "user", "content": "hi"}], **more})
    return raw.ask(daemon.port, "POST", path, body.encode(), [*JSON, *headers])


def model_rule(model, *backends, **more):
    return {"matches": [{"headers": [{"name": "x-ai-eg-model", **model}]}],
            "backendRefs": [{"name": b} for b in backends], **more}


def routes_by_model(a, b):
    spec = {"apiVersion": "aigateway.envoyproxy.io/v1beta1", "kind": "AIGatewayRoute",
            "metadata": {"name": "llm"},
            "spec": {"rules": [
                model_rule({"type": "Exact", "value": "alpha"}, "a", modelsOwnedBy="the tests"),
                model_rule({"type": "RegularExpression", "value": "beta-.*"}, "b"),
                model_rule({"value": "beta-a"}, "a")]}}
    return config.documents(spec, *config.backend("a", a.port), *config.backend("b", b.port))


def test_the_model_in_the_body_chooses_the_rule(start, provider):
    a, b = provider(name="a"), provider(name="b")
    daemon = start(routes_by_model(a, b))
    for model, expected in {"alpha": "a", "beta-7": "b", "beta-a": "a"}.items():
        assert chat(daemon, model).header("x-understudy-backend") == expected
    forged = chat(daemon, "beta-7", [("x-ai-eg-model", "alpha")])
    assert forged.header("x-understudy-backend") == "b"


def test_an_unknown_model_is_404_in_openais_shape(start, provider):
    a, b = provider(name="a"), provider(name="b")
    daemon = start(routes_by_model(a, b))
    for model in ("gamma", "beta", "alphabet", "ALPHA"):
        answer = chat(daemon, model)
        assert answer.status == 404
        error = json.loads(answer.body)["error"]
        assert model in error["message"] and error["code"] == "model_not_found"
        assert answer.header("x-understudy-error-origin") in ("client", "proxy")
    assert a.count == b.count == 0


def test_the_model_is_found_wherever_it_stands_in_the_body(start, provider):
    a, b = provider(name="a"), provider(name="b")
    daemon = start(routes_by_model(a, b))
    for body in (b'{"messages":[{"model":"beta-1"}],"x":{"model":"beta-2"},"model":"alpha"}',
                 b'{"mod\\u0065l":"alph\\u0061","messages":[]}',
                 b'{"x":"\\"model\\":\\"beta-1\\"","model" :\n"alpha","messages":[]}'):
        answer = raw.ask(daemon.port, "POST", CHAT, body, JSON)
        assert answer.header("x-understudy-backend") == "a", body


def test_models_are_listed(start, provider, sdk):
    daemon = start(routes_by_model(provider(), provider()))
    models = sdk(daemon).models.list().data
    assert [m.id for m in models] == ["alpha", "beta-a"]
    assert models[0].owned_by == "the tests" and models[0].object == "model"


def test_an_unknown_path_is_404(start, provider):
    primary = provider()
    daemon = start(config.single(primary))
    for path in ("/", "/v1", "/v2/chat/completions", "/chat/completions"):
        answer = chat(daemon, path=path)
        assert answer.status == 404, (path, answer)
        assert json.loads(answer.body)["error"]["message"]
    assert primary.count == 0


@pytest.mark.parametrize("path", ["/v1/completions", "/v1/embeddings", "/v1/responses",
                                  "/v1/images/generations", "/v1/audio/speech"])
def test_other_operations_pass_to_an_openai_backend(start, provider, path):
    primary = provider(status(200, b'{"odd":  "answer"}'))
    answer = chat(start(config.single(primary)), path=path, input="hi")
    assert (answer.status, answer.body) == (200, b'{"odd":  "answer"}')
    assert primary.requests[0].target == path


def test_hostnames_of_routes(start, provider):
    a, b = provider(name="a"), provider(name="b")
    daemon = start(config.documents(
        config.route(["a"], name="one", hostnames=["one.example"]),
        config.route(["b"], name="wild", hostnames=["*.wild.example"]),
        *config.backend("a", a.port), *config.backend("b", b.port)))

    def to(host):
        body = b'{"model":"m","messages":[]}'
        with raw.Client(daemon.port) as client:
            client.send(f"POST {CHAT} HTTP/1.1\r\nHost: {host}\r\ncontent-length: {len(body)}\r\n"
                        "content-type: application/json\r\n\r\n".encode() + body)
            return client.response()
    assert to("one.example").header("x-understudy-backend") == "a"
    assert to("ONE.example:8080").header("x-understudy-backend") == "a"
    assert to("x.wild.example").header("x-understudy-backend") == "b"
    assert to("else.example").status == 404


def gateway(name="gw"):
    return {"apiVersion": f"{config.GROUP}/v1", "kind": "Gateway", "metadata": {"name": name},
            "spec": {"gatewayClassName": "understudy",
                     "listeners": [{"name": "http", "protocol": "HTTP", "port": 8080}]}}


def test_a_plain_httproute_passes_everything_unchanged(start, provider):
    def script(exchange):
        exchange.reply(201, b"\x00raw\xff", [("x-plain", "1"), ("set-cookie", "a=1"),
                                             ("set-cookie", "b=2")], "application/x-odd")
    files, admin = provider(script, "files"), provider(status(202), "admin")
    route = {"apiVersion": f"{config.GROUP}/v1", "kind": "HTTPRoute", "metadata": {"name": "plain"},
             "spec": {"parentRefs": [{"name": "gw"}], "rules": [
                 {"matches": [{"path": {"type": "PathPrefix", "value": "/files"}}],
                  "backendRefs": [{"group": "gateway.envoyproxy.io", "kind": "Backend",
                                   "name": "files"}]},
                 {"matches": [{"path": {"type": "Exact", "value": "/admin"}, "method": "PUT",
                               "headers": [{"name": "x-team", "value": "blue"}]}],
                  "backendRefs": [{"group": "gateway.envoyproxy.io", "kind": "Backend",
                                   "name": "admin"}]}]}}
    daemon = start(config.documents(gateway(), route, config.backend("files", files.port)[1],
                                    config.backend("admin", admin.port)[1]))
    answer = raw.ask(daemon.port, "PATCH", "/files/a%20b?x=1&y=%2F", b"\x01\x02not json",
                     [("content-type", "application/octet-stream"), ("x-own", "kept")])
    assert (answer.status, answer.body) == (201, b"\x00raw\xff")
    assert answer.header("content-type") == "application/x-odd"
    assert [v for k, v in answer.headers if k.lower() == "set-cookie"] == ["a=1", "b=2"]
    got = files.requests[0]
    assert (got.method, got.target) == ("PATCH", "/files/a%20b?x=1&y=%2F")
    assert got.body == b"\x01\x02not json" and got.header("x-own") == "kept"
    for method in ("GET", "DELETE"):
        assert raw.ask(daemon.port, method, "/files").status == 201
    head = raw.ask(daemon.port, "HEAD", "/files")
    assert (head.status, head.header("content-length")) == (201, "5")
    assert raw.ask(daemon.port, "PUT", "/admin", b"x", [("x-team", "blue")]).status == 202
    assert raw.ask(daemon.port, "PUT", "/admin", b"x").status == 404
    assert raw.ask(daemon.port, "GET", "/filesystem").status == 404


def test_a_plain_httproute_is_never_retried_unasked(start, provider):
    plain = provider(status(503))
    route = {"apiVersion": f"{config.GROUP}/v1", "kind": "HTTPRoute", "metadata": {"name": "plain"},
             "spec": {"parentRefs": [{"name": "gw"}], "rules": [{"backendRefs": [
                 {"group": "gateway.envoyproxy.io", "kind": "Backend", "name": "only"}]}]}}
    daemon = start(config.documents(gateway(), route, config.backend("only", plain.port)[1]))
    assert raw.ask(daemon.port, "GET", "/anything").status == 503
    assert plain.count == 1


def test_header_mutation_of_backend_and_ref(start, provider):
    primary = provider()
    daemon = start(config.documents(
        config.route([{"name": "only", "headerMutation": {
            "set": [{"name": "x-set", "value": "by the ref"}, {"name": "x-new", "value": "n"}],
            "remove": ["X-Remove-Me"]}}]),
        *config.backend("only", primary.port, service={"headerMutation": {
            "set": [{"name": "X-Set", "value": "by the backend"}, {"name": "x-both", "value": "b"}],
            "remove": ["x-both", "x-gone"]}})))
    chat(daemon, headers=[("x-set", "client"), ("x-remove-me", "1"), ("x-gone", "1"),
                          ("x-stays", "1")])
    got = primary.requests[0]
    assert got.all("x-set") == ["by the ref"] and got.all("x-new") == ["n"]
    assert not got.all("x-remove-me") and not got.all("x-gone")
    assert got.all("x-both") == ["b"] and got.all("x-stays") == ["1"]


def test_body_mutation_acts_on_what_the_provider_gets(start, provider):
    primary, fallback = provider(status(500), "primary"), provider(bedrock.converse(), "fallback")
    mutation = {"set": [{"path": "temperature", "value": "0.25"},
                        {"path": "metadata.team", "value": "blue"}], "remove": ["seed"]}
    on_bedrock = {"set": [{"path": "inferenceConfig.maxTokens", "value": "77"}]}
    daemon = start(config.documents(
        config.route([{"name": "primary", "priority": 0, "bodyMutation": mutation},
                      {"name": "fallback", "priority": 1, "bodyMutation": on_bedrock}]),
        *config.backend("primary", primary.port), *config.bedrock("fallback", fallback.port),
        config.traffic_policy(retry=config.retry(1, [500], per_priority=1))),
        env=bedrock.ENVIRONMENT)
    assert chat(daemon, seed=7, temperature=1).status == 200
    sent = json.loads(primary.requests[0].body)
    assert sent["temperature"] == 0.25 and sent["metadata"] == {"team": "blue"}
    assert "seed" not in sent
    converse = json.loads(fallback.requests[0].body)
    # Its signature was checked over these bytes by the provider; temperature is the client's own.
    assert converse["inferenceConfig"] == {"temperature": 1, "maxTokens": 77}


def test_nothing_of_one_attempt_leaks_into_the_next(start, provider):
    primary, fallback = provider(status(500), "primary"), provider(name="fallback")
    daemon = start(config.documents(
        config.route([
            {"name": "primary", "priority": 0, "modelNameOverride": "a-much-longer-model-name",
             "headerMutation": {"set": [{"name": "x-response-status", "value": "500"}],
                                "remove": ["x-client"]},
             "bodyMutation": {"set": [{"path": "temperature", "value": "9"}]}},
            {"name": "fallback", "priority": 1}]),
        *config.backend("primary", primary.port, security=("APIKey", SECRET)),
        *config.backend("fallback", fallback.port),
        config.traffic_policy(retry=config.retry(1, [500], per_priority=1))))
    body = b'{"model": "m",  "messages":[]}'
    answer = raw.ask(daemon.port, "POST", CHAT, body, [*JSON, ("x-client", "1")])
    assert answer.status == 200
    first, second = primary.requests[0], fallback.requests[0]
    sent = json.loads(first.body)
    assert (sent["model"], sent["temperature"]) == ("a-much-longer-model-name", 9)
    assert first.header("authorization") == f"Bearer {SECRET}" and not first.all("x-client")
    assert second.body == body and second.all("content-length") == [str(len(body))]
    assert second.header("x-client") == "1"
    assert not second.all("x-response-status") and not second.all("authorization")


def test_overrides_of_each_backend_are_its_own(start, provider):
    primary, fallback = provider(status(500), "primary"), provider(bedrock.converse(), "fallback")
    daemon = start(config.documents(
        config.route([{"name": "primary", "priority": 0, "modelNameOverride": "gpt-x"},
                      {"name": "fallback", "priority": 1,
                       "modelNameOverride": "arn:aws:bedrock:us-east-1:1:profile/some.model-v1:0"}]),
        *config.backend("primary", primary.port), *config.bedrock("fallback", fallback.port),
        config.traffic_policy(retry=config.retry(1, [500], per_priority=1))),
        env=bedrock.ENVIRONMENT)
    assert chat(daemon).status == 200
    assert json.loads(primary.requests[0].body)["model"] == "gpt-x"
    assert fallback.requests[0].target == \
        "/model/arn:aws:bedrock:us-east-1:1:profile%2Fsome.model-v1:0/converse"
    assert "model" not in json.loads(fallback.requests[0].body)


CLIENT_SECRETS = [("authorization", "Bearer client-secret"), ("x-api-key", "client-secret"),
                  ("api-key", "client-secret"), ("cookie", "session=client-secret")]


@pytest.mark.parametrize("kind, field, expected", [
    ("APIKey", "authorization", f"Bearer {SECRET}"), ("AzureAPIKey", "api-key", SECRET),
    ("AnthropicAPIKey", "x-api-key", SECRET)])
def test_the_backends_key_replaces_the_clients(start, provider, kind, field, expected):
    primary = provider()
    daemon = start(config.documents(config.route(["only"]),
                                    *config.backend("only", primary.port, security=(kind, SECRET))))
    assert chat(daemon, headers=CLIENT_SECRETS[:3]).status == 200
    got = primary.requests[0]
    assert got.all(field) == [expected]
    assert b"client-secret" not in got.raw_head


def test_client_credentials_do_not_reach_another_vendor(start, provider):
    primary, fallback = provider(status(500), "primary"), provider(bedrock.converse(), "fallback")
    daemon = start(config.documents(
        config.route([{"name": "primary", "priority": 0}, {"name": "fallback", "priority": 1}]),
        *config.backend("primary", primary.port, security=("APIKey", SECRET)),
        *config.bedrock("fallback", fallback.port),
        config.traffic_policy(retry=config.retry(1, [500], per_priority=1))),
        env=bedrock.ENVIRONMENT)
    assert chat(daemon, headers=CLIENT_SECRETS).status == 200
    assert b"client-secret" not in fallback.requests[0].raw_head
    assert SECRET.encode() not in fallback.requests[0].raw_head


def test_the_host_is_the_providers(start, provider):
    primary = provider()
    daemon = start(config.documents(
        config.route(["only"]),
        *config.backend("only", primary.port, hostname="api.provider.example")))
    chat(daemon)
    assert primary.requests[0].all("host") == ["api.provider.example"]


def test_resolve_points_a_name_somewhere_else(start, provider):
    primary = provider()
    objects = config.backend("only", 8443)
    objects[1]["spec"]["endpoints"] = [{"fqdn": {"hostname": "llm.example", "port": 8080}}]
    daemon = start(config.documents(config.route(["only"]), *objects),
                   flags=["--resolve", f"llm.example:8080=127.0.0.1:{primary.port}"])
    assert chat(daemon).status == 200
    assert primary.requests[0].all("host") == ["llm.example"]


def test_a_name_that_does_not_resolve_fails_over(start, provider):
    fallback = provider(name="fallback")
    objects = config.backend("primary", 80)
    objects[1]["spec"]["endpoints"] = [{"fqdn": {"hostname": "nowhere.invalid", "port": 80}}]
    daemon = start(config.documents(
        config.route([{"name": "primary", "priority": 0}, {"name": "fallback", "priority": 1}]),
        *objects, *config.backend("fallback", fallback.port),
        config.traffic_policy(retry=config.retry(2, per_priority=1))))
    assert chat(daemon).status == 200
    assert fallback.count == 1


def test_the_schemas_prefix_makes_the_path(start, provider):
    primary = provider()
    service = {"schema": {"name": "OpenAI", "prefix": "/api/openai/v9/"}}
    daemon = start(config.documents(config.route(["only"]),
                                    *config.backend("only", primary.port, service=service)))
    assert chat(daemon).status == 200
    assert primary.requests[0].target == "/api/openai/v9/chat/completions"


def test_what_a_dialect_cannot_say_is_422(start, provider):
    primary = provider(bedrock.converse())
    daemon = start(config.documents(config.route(["only"]), *config.bedrock("only", primary.port)),
                   env=bedrock.ENVIRONMENT)
    picture = [{"type": "image_url", "image_url": {"url": "https://example.com/cat.png"}}]
    body = json.dumps({"model": "m", "messages": [{"role": "user", "content": picture}]}).encode()
    answer = raw.ask(daemon.port, "POST", CHAT, body, JSON)
    assert answer.status == 422 and json.loads(answer.body)["error"]["message"]
    assert primary.count == 0


def test_bedrock_without_credentials_is_said_clearly(start, provider):
    primary = provider(bedrock.converse())
    daemon = start(config.documents(config.route(["only"]), *config.bedrock("only", primary.port)),
                   env={"AWS_CONFIG_FILE": "/nonexistent",
                        "AWS_SHARED_CREDENTIALS_FILE": "/nonexistent"})
    answer = chat(daemon)
    assert answer.status in (500, 502, 503)
    assert "no AWS keys" in json.loads(answer.body)["error"]["message"]
    assert primary.count == 0
