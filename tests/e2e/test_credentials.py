"""Every kind of upstream credential, end to end: token service, daemon, provider that is asked."""
import concurrent.futures
import json
import time
import urllib.error
import urllib.request

import pytest

from harness import config
from harness.daemon import run, wait_until
from providers import bedrock, token_services
from providers.server import Provider

OIDC_SECRET = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "secrets"},
               "stringData": {"client-secret": token_services.CLIENT_SECRET}}


@pytest.fixture
def services():
    one = token_services.TokenServices()
    yield one
    one.stop()
    assert not one.provider.errors, one.provider.errors


def policy(kind, field, value, override=None, target="only"):
    spec = {"type": kind, field: value,
            "targetRefs": [{"group": config.GROUP.replace("gateway.networking.k8s.io",
                                                          "aigateway.envoyproxy.io"),
                            "kind": "AIServiceBackend", "name": target}]}
    if override is not None:
        spec["credentialOverride"] = {"fromRequestHeaders": override}
    return {"apiVersion": "aigateway.envoyproxy.io/v1beta1", "kind": "BackendSecurityPolicy",
            "metadata": {"name": f"{target}-credential"}, "spec": spec}


def exchange(services, **more):
    return {"oidc": {"provider": {"issuer": services.url}, "clientID": token_services.CLIENT,
                     "clientSecret": {"name": "secrets"}, "scopes": ["openid", "gateway"]},
            "aud": "clouds", **more}


def ask(daemon, headers=None):
    """(status, body) of one chat completion."""
    body = json.dumps({"model": "m", "messages": [{"role": "user", "content": "hi"}]}).encode()
    request = urllib.request.Request(f"{daemon.base_url}/chat/completions", body, {
        "content-type": "application/json", "authorization": "Bearer client-key", **(headers or {})})
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read())


def openai_backend(upstream, *more, **service):
    return config.documents(config.route(["only"]),
                            *config.backend("only", upstream.port, service=service), *more)


def bedrock_backend(upstream, *more):
    return config.documents(config.route(["only"]), *config.bedrock("only", upstream.port), *more)


def bearer_of(upstream):
    request = upstream.requests[-1]
    assert len(request.all("authorization")) == 1
    return request.header("authorization").removeprefix("Bearer ")


def no_secrets(daemon, *secrets):
    shown = daemon.stdout() + daemon.stderr() + daemon.admin("/config")[1] + daemon.admin("/status")[1]
    for secret in (token_services.CLIENT_SECRET, bedrock.SECRET_KEY, "PRIVATE KEY", *secrets):
        assert secret not in shown


# ---- AWS ------------------------------------------------------------------------------------


def test_aws_web_identity(start, provider, services, tmp_path):
    upstream = provider(bedrock.converse())
    (tmp_path / "token").write_text("pod-token\n")
    daemon = start(bedrock_backend(upstream), env={
        "AWS_WEB_IDENTITY_TOKEN_FILE": str(tmp_path / "token"), "AWS_REGION": "us-east-1",
        "AWS_ROLE_ARN": token_services.ROLE, "AWS_ENDPOINT_URL_STS": f"{services.url}/aws/"})
    assert ask(daemon)[0] == 200
    assert services.calls == ["sts"]
    no_secrets(daemon, "pod-token")


def test_aws_role_of_a_profile(start, provider, services, tmp_path):
    upstream = provider(bedrock.converse())
    (tmp_path / "config").write_text(
        f"[profile gateway]\nrole_arn = {token_services.ROLE}\nsource_profile = base\n"
        "role_session_name = me\nexternal_id = a b/c\nregion = eu-west-1\n")
    (tmp_path / "credentials").write_text(
        "[base]\naws_access_key_id = BASEKEY\naws_secret_access_key = base/secret\n")
    daemon = start(bedrock_backend(upstream), env={
        "AWS_CONFIG_FILE": str(tmp_path / "config"), "AWS_PROFILE": "gateway",
        "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "credentials"),
        "AWS_ENDPOINT_URL_STS": f"{services.url}/aws/"})
    assert ask(daemon)[0] == 200
    assert services.calls == ["sts"]
    no_secrets(daemon, "base/secret")


def test_aws_by_oidc_exchange(start, provider, services):
    upstream = provider(bedrock.converse())
    daemon = start(bedrock_backend(upstream, OIDC_SECRET, policy(
        "AWSCredentials", "awsCredentials",
        {"region": "us-east-1",
         "oidcExchangeToken": exchange(services, awsRoleArn=token_services.ROLE)})),
        env={"AWS_ENDPOINT_URL_STS": f"{services.url}/aws/"})
    assert ask(daemon)[0] == 200
    assert services.calls == ["discovery", "oidc", "sts"]
    no_secrets(daemon)


# ---- Azure ----------------------------------------------------------------------------------


def azure(services, **how):
    return policy("AzureCredentials", "azureCredentials",
                  {"clientID": token_services.CLIENT, "tenantID": "tenant-1", **how})


@pytest.mark.parametrize("is_federated", [False, True])
def test_azure(start, provider, services, is_federated):
    upstream = provider()
    how = {"oidcExchangeToken": exchange(services)} if is_federated else \
        {"clientSecretRef": {"name": "secrets"}}
    daemon = start(openai_backend(upstream, OIDC_SECRET, azure(services, **how)),
                   env={"AZURE_AUTHORITY_HOST": services.url})
    assert ask(daemon)[0] == 200
    assert services.issued[bearer_of(upstream)] == "azure"
    assert services.calls == (["discovery", "oidc", "entra"] if is_federated else ["entra"])
    no_secrets(daemon, bearer_of(upstream))


# ---- Google ---------------------------------------------------------------------------------


def gcp(override=None, **how):
    return policy("GCPCredentials", "gcpCredentials",
                  {"projectName": "my-project", "region": "us-central1", **how}, override)


VERTEX_SERVICE = {"schema": {"name": "OpenAI", "prefix": "endpoints/openapi"}}
VERTEX_TARGET = "/v1/projects/my-project/locations/us-central1/endpoints/openapi/chat/completions"


def check_google(daemon, upstream, services, kind="google"):
    assert ask(daemon)[0] == 200
    assert services.issued[bearer_of(upstream)] == kind
    assert upstream.requests[-1].target == VERTEX_TARGET
    no_secrets(daemon, bearer_of(upstream))


def test_google_key_file(start, provider, services):
    upstream = provider()
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "gcp"},
              "stringData": {"service_account.json": services.key_file()}}
    daemon = start(openai_backend(upstream, secret, gcp(
        credentialsFile={"secretRef": {"name": "gcp"}}), **VERTEX_SERVICE))
    check_google(daemon, upstream, services)


@pytest.mark.parametrize("is_impersonated", [False, True])
def test_google_workload_identity_federation(start, provider, services, authority,
                                             is_impersonated):
    upstream = provider()
    google = token_services.TokenServices(
        tls=authority.server_context(*token_services.GOOGLE_HOSTS))
    federation = {"projectID": "42", "workloadIdentityPoolName": "pool",
                  "workloadIdentityProviderName": "oidc", "oidcExchangeToken": exchange(services)}
    if is_impersonated:
        federation["serviceAccountImpersonation"] = {"serviceAccountName": "runner"}
    flags = [word for host in token_services.GOOGLE_HOSTS
             for word in ("--resolve", f"{host}:443=127.0.0.1:{google.port}")]
    try:
        daemon = start(openai_backend(upstream, OIDC_SECRET, gcp(
            workloadIdentityFederationConfig=federation), **VERTEX_SERVICE),
            flags=flags, env={"SSL_CERT_FILE": str(authority.path)})
        check_google(daemon, upstream, google, "google" if is_impersonated else "google-sts")
        assert google.calls == ["google_sts"] + ["impersonate"] * is_impersonated
    finally:
        google.stop()
    assert not google.provider.errors, google.provider.errors


def test_google_defaults_of_a_user(start, provider, services, tmp_path):
    upstream = provider()
    folder = tmp_path / ".config/gcloud"
    folder.mkdir(parents=True)
    (folder / "application_default_credentials.json").write_text(json.dumps(
        {"type": "authorized_user", "client_id": "c", "client_secret": token_services.CLIENT_SECRET,
         "refresh_token": "refresh/me", "token_uri": f"{services.url}/google/token"}))
    daemon = start(openai_backend(upstream, gcp(), **VERTEX_SERVICE), env={"HOME": str(tmp_path)})
    check_google(daemon, upstream, services)


def test_google_defaults_of_an_external_account(start, provider, services, tmp_path):
    upstream = provider()
    (tmp_path / "subject").write_text(json.dumps({"id_token": "file-token"}))
    path = tmp_path / "adc.json"
    path.write_text(json.dumps(
        {"type": "external_account", "audience": token_services.AUDIENCE,
         "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
         "token_url": f"{services.url}/v1/token",
         "credential_source": {"file": str(tmp_path / "subject"),
                               "format": {"type": "json", "subject_token_field_name": "id_token"}}}))
    daemon = start(openai_backend(upstream, gcp(), **VERTEX_SERVICE),
                   env={"GOOGLE_APPLICATION_CREDENTIALS": str(path)})
    check_google(daemon, upstream, services, "google-sts")


def test_google_defaults_of_the_machine(start, provider, services, tmp_path):
    upstream = provider()
    daemon = start(openai_backend(upstream, gcp(), **VERTEX_SERVICE),
                   env={"HOME": str(tmp_path), "GCE_METADATA_HOST": f"127.0.0.1:{services.port}"})
    check_google(daemon, upstream, services)


# ---- refresh --------------------------------------------------------------------------------


def azure_daemon(start, upstream, services):
    return start(openai_backend(upstream, OIDC_SECRET, azure(
        services, clientSecretRef={"name": "secrets"})), env={"AZURE_AUTHORITY_HOST": services.url})


def test_a_token_is_refreshed_before_it_expires(start, provider, services):
    upstream = provider()
    services.lifetime = 4
    daemon = azure_daemon(start, upstream, services)
    assert ask(daemon)[0] == 200
    first = bearer_of(upstream)
    began = time.monotonic()
    wait_until(lambda: services.count("entra") == 2, what="a second token")
    assert time.monotonic() - began < 4
    wait_until(lambda: ask(daemon)[0] == 200 and bearer_of(upstream) != first, what="its use")


def test_the_old_token_is_used_while_refreshing_fails(start, provider, services):
    upstream = provider()
    services.lifetime = 6
    daemon = azure_daemon(start, upstream, services)
    services.failing = True
    wait_until(lambda: services.count("entra") >= 2, what="a refresh that fails")
    assert ask(daemon)[0] == 200
    wait_until(lambda: ask(daemon)[0] == 503, what="the token's end")
    assert services.count("entra") < 8  # it backs off
    services.failing = False
    wait_until(lambda: ask(daemon)[0] == 200, what="a new token")


def test_many_requests_ask_for_one_token(start, provider, services):
    upstream = provider()
    services.delay = 0.2
    daemon = azure_daemon(start, upstream, services)
    with concurrent.futures.ThreadPoolExecutor(50) as pool:
        assert {pool_answer[0] for pool_answer in pool.map(lambda _: ask(daemon), range(50))} == {200}
    assert services.count("entra") == 1


def test_a_refusal_names_its_code_and_no_secret(start, provider):
    upstream = provider()
    with_errors = token_services.TokenServices()
    with_errors.failing = True
    try:
        daemon = azure_daemon(start, upstream, with_errors)
        assert ask(daemon)[0] == 503
        assert "was answered with 503, temporarily_unavailable" in daemon.stderr()
        no_secrets(daemon)
    finally:
        with_errors.stop()


# ---- from the request -----------------------------------------------------------------------


def keyed(upstream, override):
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "key"},
              "stringData": {"apiKey": "own-key"}}
    return openai_backend(upstream, secret, policy("APIKey", "apiKey",
                                                   {"secretRef": {"name": "key"}}, override))


def test_a_key_of_the_request(start, provider):
    upstream = provider()
    daemon = start(keyed(upstream, {"header": "X-Their-Key"}))
    assert ask(daemon)[0] == 200
    assert bearer_of(upstream) == "own-key"
    assert ask(daemon, {"x-their-key": "their-key"})[0] == 200
    assert bearer_of(upstream) == "their-key"
    assert upstream.requests[-1].header("x-their-key") is None


def test_a_key_of_the_request_or_none(start, provider):
    upstream = provider()
    daemon = start(keyed(upstream, {"fallbackToConfigured": False}))
    status, body = ask(daemon)
    assert status == 401 and body["error"]["message"] == "missing upstream credential"
    assert not upstream.requests
    assert ask(daemon, {"x-aigw-api-key": "their-key"})[0] == 200
    assert bearer_of(upstream) == "their-key"


def test_aws_keys_of_the_request(start, provider):
    upstream = provider(bedrock.converse())
    daemon = start(bedrock_backend(upstream, policy(
        "AWSCredentials", "awsCredentials", {"region": "us-east-1"},
        {"fallbackToConfigured": False})))
    keys = {"x-aigw-aws-access-key-id": bedrock.ACCESS_KEY,
            "x-aigw-aws-secret-access-key": bedrock.SECRET_KEY,
            "x-aigw-aws-session-token": bedrock.SESSION_TOKEN}
    assert ask(daemon)[0] == 401
    assert ask(daemon, keys)[0] == 200
    assert not any(name in upstream.requests[-1].raw_head.decode() for name in keys)
    del keys["x-aigw-aws-secret-access-key"]
    status, body = ask(daemon, keys)
    assert status == 400 and "x-aigw-aws-secret-access-key" in body["error"]["message"]
    assert len(upstream.requests) == 1


def test_the_defaults_of_the_machine_are_no_fallback(tmp_path):
    upstream = Provider(lambda exchange: None, "unused")
    path = tmp_path / "config.yaml"
    path.write_text(openai_backend(upstream, gcp({}), **VERTEX_SERVICE))
    upstream.stop()
    done = run("validate", path)
    assert done.returncode != 0 and "Application Default Credentials" in done.stdout + done.stderr
