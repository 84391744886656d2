"""Amazon Bedrock's Converse and ConverseStream, strict: botocore's own signer and service model judge
every request, and anything they would not send is answered as Bedrock would."""
import json
import re
import struct
import urllib.parse
import zlib

import botocore.auth
import botocore.awsrequest
import botocore.credentials
import botocore.loaders
import botocore.model
import botocore.validate

from . import openai_dialect
from .scene import Refused

ACCESS_KEY = "AKIDEXAMPLEEXAMPLE00"
SECRET_KEY = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
SESSION_TOKEN = "FwoGZXIvYXdzEXAMPLETOKEN/with+chars=="
ENVIRONMENT = {"AWS_ACCESS_KEY_ID": ACCESS_KEY, "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
               "AWS_SESSION_TOKEN": SESSION_TOKEN, "AWS_REGION": "us-east-1"}

TEXT = "Bedrock answers for the primary today."


def _service():
    data = botocore.loaders.Loader().load_service_model("bedrock-runtime", "service-2")
    return botocore.model.ServiceModel(data)


SERVICE = _service()


def check_signature(request, region="us-east-1"):
    """The signature again, by botocore, over what arrived."""
    authorization = request.header("authorization", "")
    found = re.fullmatch(
        r"AWS4-HMAC-SHA256 Credential=([^/]+)/(\d{8})/([^/]+)/([^/]+)/aws4_request, ?"
        r"SignedHeaders=([^,]+), ?Signature=([0-9a-f]{64})", authorization)
    if not found:
        raise Refused(403, "MissingAuthenticationTokenException", f"no signature: {authorization!r}")
    key, date, scope_region, service, signed, signature = found.groups()
    if (key, scope_region, service) != (ACCESS_KEY, region, "bedrock"):
        raise Refused(403, "UnrecognizedClientException", f"wrong scope: {authorization}")
    names = signed.split(";")
    if "host" not in names or "x-amz-date" not in names or names != sorted(names):
        raise Refused(403, "InvalidSignatureException", f"signed headers: {signed}")
    if request.header("x-amz-security-token") != SESSION_TOKEN or "x-amz-security-token" not in names:
        raise Refused(403, "UnrecognizedClientException", "the session token is missing or unsigned")
    for name in names:
        if len(request.all(name)) != 1:
            raise Refused(403, "InvalidSignatureException", f"{name} is there {request.all(name)}")
    stamp = request.header("x-amz-date")
    if not re.fullmatch(r"\d{8}T\d{6}Z", stamp) or not stamp.startswith(date):
        raise Refused(403, "InvalidSignatureException", f"date {stamp} in scope {date}")
    credentials = botocore.credentials.Credentials(ACCESS_KEY, SECRET_KEY, SESSION_TOKEN)
    signer = botocore.auth.SigV4Auth(credentials, service, region)
    again = botocore.awsrequest.AWSRequest(
        method=request.method, url=f"https://{request.header('host')}{request.target}",
        data=request.body, headers={name: request.header(name) for name in names if name != "host"})
    again.context["timestamp"] = stamp
    text = signer.string_to_sign(again, signer.canonical_request(again))
    if signer.signature(text, again) != signature:
        raise Refused(403, "InvalidSignatureException", "the signature does not match")


def check_body(request, operation, model_id):
    """Against the service model: unknown members, wrong types, missing ones."""
    if "json" not in request.header("content-type", ""):
        raise Refused(415, "SerializationException", "content-type")
    body = json.loads(request.body)
    check_body_of(operation, body, model_id)
    check_turns(body.get("messages") or [])
    return body


def check_body_of(operation, body, model_id):
    shape = SERVICE.operation_model(operation).input_shape
    unknown = _unknown_members(body, shape, "body")
    if unknown:
        raise Refused(400, "SerializationException", f"unknown members: {unknown}")
    report = botocore.validate.ParamValidator().validate({"modelId": model_id, **body}, shape)
    if report.has_errors():
        raise Refused(400, "ValidationException", report.generate_report())


def check_turns(messages):
    if not messages or messages[0]["role"] != "user":
        raise Refused(400, "ValidationException", "A conversation must start with a user message.")
    for before, after in zip(messages, messages[1:]):
        if before["role"] == after["role"]:
            raise Refused(400, "ValidationException", "roles must alternate")
    waiting = []
    for message in messages:
        if not message["content"]:
            raise Refused(400, "ValidationException", "The content field is empty.")
        if any("text" in b and not b["text"].strip() for b in message["content"]):
            raise Refused(400, "ValidationException", "The text field is blank.")
        results = [b["toolResult"]["toolUseId"] for b in message["content"] if "toolResult" in b]
        if sorted(results) != sorted(waiting):
            raise Refused(400, "ValidationException", f"toolResult {results}, toolUse {waiting}")
        waiting = [b["toolUse"]["toolUseId"] for b in message["content"] if "toolUse" in b]


def _unknown_members(value, shape, where):
    if shape.type_name == "structure" and isinstance(value, dict):
        if getattr(shape, "is_document_type", False):
            return []
        found = [f"{where}.{key}" for key in value if key not in shape.members]
        for key in value:
            if key in shape.members:
                found += _unknown_members(value[key], shape.members[key], f"{where}.{key}")
        return found
    if shape.type_name == "list" and isinstance(value, list):
        return [bad for i, item in enumerate(value)
                for bad in _unknown_members(item, shape.member, f"{where}[{i}]")]
    return []


def frame(headers, payload):
    block = b"".join(struct.pack("!B", len(name)) + name.encode() + b"\x07" +
                     struct.pack("!H", len(value)) + value.encode()
                     for name, value in headers.items())
    prelude = struct.pack("!II", 16 + len(block) + len(payload), len(block))
    head = prelude + struct.pack("!I", zlib.crc32(prelude)) + block + payload
    return head + struct.pack("!I", zlib.crc32(head))


def event(kind, payload):
    return frame({":event-type": kind, ":content-type": "application/json",
                  ":message-type": "event"}, json.dumps(payload).encode())


def exception(kind, message):
    return frame({":exception-type": kind, ":content-type": "application/json",
                  ":message-type": "exception"}, json.dumps({"message": message}).encode())


KINDS = {400: "ValidationException", 403: "AccessDeniedException",
         404: "ResourceNotFoundException", 429: "ThrottlingException",
         503: "ServiceUnavailableException"}
USAGE = {"inputTokens": 5, "outputTokens": 6, "totalTokens": 11}


def text_frames(text):
    return [event("messageStart", {"role": "assistant"}),
            *(event("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": word}})
              for word in openai_dialect.words(text)),
            event("contentBlockStop", {"contentBlockIndex": 0}),
            event("messageStop", {"stopReason": "end_turn"}),
            event("metadata", {"usage": USAGE, "metrics": {"latencyMs": 3}})]


def tool_frames(name):
    start = {"toolUse": {"toolUseId": "tooluse_1", "name": name}}
    parts = ['{"ci', 'ty": "Os', 'lo"}']
    return [event("messageStart", {"role": "assistant"}),
            event("contentBlockStart", {"contentBlockIndex": 0, "start": start}),
            *(event("contentBlockDelta",
                    {"contentBlockIndex": 0, "delta": {"toolUse": {"input": part}}})
              for part in parts),
            event("contentBlockStop", {"contentBlockIndex": 0}),
            event("messageStop", {"stopReason": "tool_use"}),
            event("metadata", {"usage": USAGE, "metrics": {"latencyMs": 3}})]


def send_frames(exchange, data):
    """Cut anywhere, never where frames end."""
    exchange.head(200, [("content-type", "application/vnd.amazon.eventstream"),
                        ("x-amzn-requestid", "req-1"), ("transfer-encoding", "chunked")])
    for at in range(0, len(data), 100):
        exchange.chunk(data[at:at + 100])
    exchange.last_chunk()


def _has_tool_result(body):
    return any("toolResult" in block for message in body["messages"] for block in message["content"])


def _answer(body, text):
    tools = body.get("toolConfig", {}).get("tools", [])
    if tools and not _has_tool_result(body):
        block = {"toolUse": {"toolUseId": "tooluse_1", "name": tools[0]["toolSpec"]["name"],
                             "input": {"city": "Oslo"}}}
        reason = "tool_use"
    else:
        block, reason = {"text": text}, "end_turn"
    return {"output": {"message": {"role": "assistant", "content": [block]}},
            "stopReason": reason, "usage": USAGE, "metrics": {"latencyMs": 3}}


def refuse(exchange, error):
    kind = error.kind or KINDS.get(error.status, "InternalServerException")
    exchange.reply(error.status, json.dumps({"message": error.message}).encode(),
                   [("x-amzn-errortype", kind), ("x-amzn-requestid", "req-refused")])


def converse(text=TEXT, region="us-east-1", tail=None):
    """`tail` replaces the frames after the first three, e.g. by an exception frame."""

    def script(exchange):
        request = exchange.request
        exchange.body()
        try:
            found = re.fullmatch(r"/model/([^/]+)/(converse|converse-stream)", request.target)
            if request.method != "POST" or not found:
                raise Refused(404, "UnknownOperationException", request.target)
            model_id = urllib.parse.unquote(found[1])
            is_stream = found[2] == "converse-stream"
            check_signature(request, region)
            body = check_body(request, "ConverseStream" if is_stream else "Converse", model_id)
        except Refused as error:
            exchange.provider.errors.append(error)
            refuse(exchange, error)
            return
        if not is_stream:
            exchange.reply(200, json.dumps(_answer(body, text)).encode(),
                           [("x-amzn-requestid", "req-1")])
            return
        tools = body.get("toolConfig", {}).get("tools", [])
        if tools and not _has_tool_result(body):
            frames = tool_frames(tools[0]["toolSpec"]["name"])
        else:
            frames = text_frames(text)
        if tail is not None:
            frames = frames[:3] + tail
        send_frames(exchange, b"".join(frames))
    return script
