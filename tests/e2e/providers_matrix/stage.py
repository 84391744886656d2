"""All providers at once behind one daemon: a request's `x-schema` says which of them it goes to."""
import re

import anthropic
import openai

from harness import config
from harness.daemon import Daemon
from providers import anthropic_api, bedrock, cohere_api, converse, openai_api, vertex
from providers.server import Provider

CLAUDE = "claude-sonnet-4-6"
# Of each schema: its simulator, the models that its operations are asked with.
SCHEMAS = {
    "OpenAI": (openai_api.first_party, {"chat": "gpt-4o-mini", "embed": "text-embedding-3-small"}),
    "AzureOpenAI": (openai_api.azure, {"chat": "gpt-4o-mini", "embed": "text-embedding-3-small"}),
    "Anthropic": (anthropic_api.first_party, {"chat": CLAUDE}),
    "GCPVertexAI": (vertex.answer, {"chat": "gemini-2.5-flash", "embed": "text-embedding-005"}),
    "GCPAnthropic": (vertex.answer, {"chat": f"{CLAUDE}@20260217"}),
    "AWSBedrock": (converse.answer, {"chat": f"us.anthropic.{CLAUDE}-v1:0",
                                     "embed": "amazon.titan-embed-text-v2:0",
                                     "embed_many": "cohere.embed-english-v3",
                                     "rerank": "cohere.rerank-v3-5:0"}),
    "AWSAnthropic": (anthropic_api.bedrock_invoke,
                     {"chat": f"anthropic.{CLAUDE}-v1:0"}),
    "AWSOpenAI": (openai_api.on_bedrock, {"chat": "openai.gpt-oss-120b-1:0"}),
    "Cohere": (cohere_api.answer, {"chat": "command-a", "embed": "embed-v4.0",
                                   "rerank": "rerank-v3.5"}),
}
VERSIONS = {"AzureOpenAI": openai_api.AZURE_VERSION, "GCPAnthropic": "vertex-2023-10-16",
            "AWSAnthropic": "bedrock-2023-05-31", "Cohere": "v2"}
KEYS = {"OpenAI": ("APIKey", openai_api.KEY), "AzureOpenAI": ("AzureAPIKey", openai_api.AZURE_KEY),
        "Anthropic": ("AnthropicAPIKey", anthropic_api.KEY), "Cohere": ("APIKey", cohere_api.KEY)}


class Refusal(Exception):
    """The daemon's own 422: this operation can't be said in that schema. Which backend it was says
    the cell itself."""

    def __init__(self, words):
        super().__init__(re.sub(r": \w+ \(\w+\)$", "", words))


class Client:
    """What one cell of the matrix uses: the official SDKs, bound to one schema."""

    def __init__(self, stage, schema):
        self.schema, self.daemon = schema, stage.daemon
        self.root = f"http://127.0.0.1:{stage.daemon.port}"
        self.headers = {"x-schema": schema.lower()}
        if schema.startswith("GCP"):  # a token of the request's own spares a token service
            self.headers["x-aigw-gcp-access-token"] = vertex.TOKEN
        how = {"api_key": "client-key", "max_retries": 0, "timeout": 20.0,
               "default_headers": self.headers}
        self.openai = openai.OpenAI(base_url=stage.daemon.base_url, **how)
        self.anthropic = anthropic.Anthropic(base_url=f"{self.root}/anthropic", **how)
        self.provider = stage.providers[schema]

    def model(self, kind="chat"):
        models = SCHEMAS[self.schema][1]
        return models.get(kind) or models.get(kind.split("_")[0]) or models["chat"]

    def close(self):
        self.openai.close()
        self.anthropic.close()


class Stage:
    def __init__(self, folder):
        self.providers = {name: Provider(script, name) for name, (script, _) in SCHEMAS.items()}
        objects = []
        for name, provider in self.providers.items():
            objects += _backend(name, provider.port)
        objects += [_routes(), config.traffic_policy(
            retry={"numRetries": 0}, healthCheck=config.passive(consecutive5XxErrors=1000))]
        path = folder / "matrix.yaml"
        path.write_text(config.documents(*objects))
        self.daemon = Daemon(folder, path, env=bedrock.ENVIRONMENT)

    def stop(self):
        self.daemon.stop()
        for provider in self.providers.values():
            provider.stop()

    def complaints(self):
        """What the providers did not like since this was last asked."""
        found = []
        for name, provider in self.providers.items():
            found += [f"{name}: {error!r}" for error in provider.errors]
            provider.errors.clear()
        return found


def said(operation, client):
    """Runs it; the daemon's own 422 is a Refusal with its words."""
    try:
        operation(client)
    except (openai.UnprocessableEntityError, anthropic.UnprocessableEntityError) as error:
        if error.response.headers.get("x-understudy-error-origin") == "upstream":
            raise
        raise Refusal(error.response.json()["error"]["message"]) from error


def _backend(name, port):
    service = {"schema": {"name": name}}
    if name in VERSIONS:
        service["schema"]["version"] = VERSIONS[name]
    host = "bedrock-runtime.us-east-1.amazonaws.com" if name.startswith("AWS") else None
    objects = config.backend(name.lower(), port, hostname=host, service=service,
                             security=KEYS.get(name))
    if name.startswith("GCP"):
        objects.append(_google(name.lower()))
    return objects


def _google(backend):
    """Project and region of the paths; the token comes with each request."""
    return {"apiVersion": "aigateway.envoyproxy.io/v1beta1", "kind": "BackendSecurityPolicy",
            "metadata": {"name": f"{backend}-keys"},
            "spec": {"type": "GCPCredentials",
                     "gcpCredentials": {"projectName": vertex.PROJECT, "region": vertex.REGION},
                     "credentialOverride": {"fromRequestHeaders": {"fallbackToConfigured": False}},
                     "targetRefs": [{"group": "aigateway.envoyproxy.io", "name": backend,
                                     "kind": "AIServiceBackend"}]}}


def _routes():
    rules = [{"backendRefs": [{"name": name.lower()}],
              "matches": [{"headers": [{"name": "x-schema", "value": name.lower()}]}]}
             for name in SCHEMAS]
    route = config.route([])
    route["spec"]["rules"] = rules
    return route

