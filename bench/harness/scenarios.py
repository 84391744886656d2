"""What is measured."""

from dataclasses import dataclass


# Client headers do not reach every provider, so the length of translated streams is the same for all.
TRANSLATED_STREAM = "sse:100:100:20000"


@dataclass(frozen=True)
class Scenario:
    """One load through one proxy; cost is divided by requests, or by events of the streams."""

    key: str
    title: str
    reply: str
    connections: int
    requests: int
    body: int = 1024
    upstream: str = "plain"
    client: str = "chat"
    per: str = "request"
    note: str = ""
    is_ours: bool = False  # compared with other scenarios of understudy, not with peers

    @property
    def is_translated(self):
        return self.upstream not in ("plain", "tls")

    def arguments(self, peer, is_quick):
        requests = self.requests
        reply = self.reply
        if is_quick and self.per == "request":
            requests = max(self.connections * 4, requests // 5)
        if is_quick and self.per == "chunk" and not self.is_translated:
            kind, events, rest = reply.split(":", 2)
            reply = f"{kind}:{max(20, int(events) // 4)}:{rest}"
        return {
            "port": peer.port(self.upstream),
            "model": peer.model(self.upstream),
            "reply": reply,
            "connections": self.connections,
            "requests": requests,
            "body": self.body,
            "translated": int(self.is_translated and peer.translates),
            "client": self.client,
        }


SCENARIOS = [
    Scenario("unary-1", "unary 1 KiB → 1 KiB, 1 connection", "json:1024", 1, 3000),
    Scenario("unary-64", "unary 1 KiB → 1 KiB, 64 connections", "json:1024", 64, 10000),
    Scenario("body-16k", "16 KiB request, 16 connections", "json:1024", 16, 4000, body=16384),
    Scenario("body-256k", "256 KiB request, 16 connections", "json:1024", 16, 800, body=262144),
    Scenario("sse-flood", "SSE without gap, 8 streams", "sse:4000:100:0", 8, 8, per="chunk"),
    Scenario("sse-paced", "500 streams, a chunk each 20 ms", "sse:50:100:20000", 500, 500, per="chunk"),
    Scenario("tls-64", "TLS to the upstream, 64 connections", "json:1024", 64, 6000, upstream="tls",
             note="direct is cleartext"),
    Scenario("bedrock-64", "OpenAI → Bedrock translated, 64 connections", "json:1024", 64, 6000,
             upstream="bedrock", note="direct is not translated"),
    # Paced: a proxy that is never idle finds more chunks in one read, and looks as cheap as any other.
    *(Scenario(key, f"{title}, 500 streams, a chunk each 20 ms", TRANSLATED_STREAM, 500, 500,
               upstream=upstream, client=client, per="chunk", is_ours=True)
      for key, title, client, upstream in (
          ("untouched", "OpenAI → OpenAI, untouched", "chat", "plain"),
          ("chat-bedrock", "OpenAI → Bedrock", "chat", "bedrock"),
          ("chat-gemini", "OpenAI → Gemini", "chat", "gemini"),
          ("chat-anthropic", "OpenAI → Anthropic", "chat", "anthropic"),
          ("messages-openai", "Anthropic → OpenAI", "messages", "openai"),
          ("messages-bedrock", "Anthropic → Bedrock", "messages", "bedrock"),
          ("messages-gemini", "Anthropic → Gemini", "messages", "gemini"))),
]

UNTOUCHED_STREAM = "untouched"  # what translated ones are compared with

IDLE_CONNECTIONS = 2000
OPEN_STREAMS = 500
# (key, title, unit) of the figures that are not scenarios.
STANDING = [
    ("first_ms", "from exec to the first 200", "ms"),
    ("idle_mib", "idle process, resident", "MiB"),
    ("idle_connection_kib", f"per idle connection ({IDLE_CONNECTIONS} held)", "KiB"),
    ("open_stream_kib", f"per open stream ({OPEN_STREAMS}, a chunk each 100 ms)", "KiB"),
]
