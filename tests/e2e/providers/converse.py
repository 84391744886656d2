"""Bedrock's Converse and ConverseStream in the play of `scene`, and invoke for the embedding models.
The judges of signature and body are those of `bedrock`."""
import json
import re
import urllib.parse

from . import anthropic_api, bedrock, scene
from .scene import Refused

MODELS = r"/model/([^/?]+)/(converse|converse-stream|invoke|count-tokens)"
USAGE = {"inputTokens": scene.INPUT_TOKENS, "outputTokens": scene.OUTPUT_TOKENS,
         "totalTokens": scene.INPUT_TOKENS + scene.OUTPUT_TOKENS}


def asked(body):
    blocks = [b for m in body["messages"] for b in m["content"]]
    images = [b["image"] for b in blocks if "image" in b]
    for image in images:
        if image["format"] != "png":
            raise Refused(400, "ValidationException", "an image that nobody sent")
        scene.check_png(image["source"]["bytes"], "ValidationException")
    texts = [b["text"] for b in blocks if "text" in b]
    tools = [t["toolSpec"]["name"] for t in body.get("toolConfig", {}).get("tools", [])
             if "toolSpec" in t]
    if not tools and any("toolUse" in b or "toolResult" in b for b in blocks):
        raise Refused(400, "ValidationException", "The toolConfig field must be defined when using "
                                                  "toolUse and toolResult content blocks.")
    return scene.Asked(" ".join(texts), tools, any("toolResult" in b for b in blocks), bool(images),
                       "outputConfig" in body)


def _blocks(says):
    found = [{"text": says.text}] if says.text else []
    return found + [{"toolUse": {"toolUseId": "tooluse_" + i, "name": name, "input": arguments}}
                    for i, name, arguments in says.calls]


def _whole(says):
    return {"output": {"message": {"role": "assistant", "content": _blocks(says)}},
            "stopReason": "tool_use" if says.calls else "end_turn", "usage": USAGE,
            "metrics": {"latencyMs": 3}}


def _frames(says):
    found = [("messageStart", {"role": "assistant"})]
    for at, block in enumerate(_blocks(says)):
        if "text" in block:
            deltas = [{"text": word} for word in scene.words(block["text"])]
        else:
            use = block["toolUse"]
            start = {"toolUse": {"toolUseId": use["toolUseId"], "name": use["name"]}}
            found.append(("contentBlockStart", {"contentBlockIndex": at, "start": start}))
            deltas = [{"toolUse": {"input": part}} for part in scene.halves(json.dumps(use["input"]))]
        found += [("contentBlockDelta", {"contentBlockIndex": at, "delta": d}) for d in deltas]
        found.append(("contentBlockStop", {"contentBlockIndex": at}))
    found += [("messageStop", {"stopReason": _whole(says)["stopReason"]}),
              ("metadata", {"usage": USAGE, "metrics": {"latencyMs": 3}})]
    return b"".join(bedrock.event(kind, payload) for kind, payload in found)


def _rerank(body):
    if set(body) - {"query", "documents", "top_n", "api_version", "max_tokens_per_doc"} or \
            body.get("api_version") != 2:
        raise Refused(400, "ValidationException", f"malformed rerank: {sorted(body)}")
    last = len(body["documents"]) - 1
    return {"results": [{"index": last - i, "relevance_score": 0.9 - i / 10}
                        for i in range(body.get("top_n", last + 1))]}


def _invoke(exchange, model, body):
    """Titan's embeddings take one text, Cohere's a list; Cohere's rerank."""
    scene.play(scene.Asked(json.dumps(body)))
    if model.startswith("cohere.rerank"):
        exchange.reply(200, json.dumps(_rerank(body)).encode(), [("x-amzn-requestid", "req-1")])
        return
    if model.startswith("amazon.titan-embed"):
        known = {"inputText": str, "dimensions": int, "normalize": bool, "embeddingTypes": list}
        answer = {"embedding": scene.VECTOR, "inputTextTokenCount": scene.INPUT_TOKENS}
        needed = {"inputText"}
    elif model.startswith("cohere.embed"):
        known = {"texts": list, "input_type": str, "truncate": str, "embedding_types": list,
                 "images": list, "output_dimension": int, "inputs": list}
        vectors = [scene.VECTOR for _ in body.get("texts", [])]
        is_typed = bool(body.get("embedding_types"))
        answer = {"id": "e1", "texts": body.get("texts", []),
                  "response_type": "embeddings_by_type" if is_typed else "embeddings_floats",
                  "embeddings": {"float": vectors} if is_typed else vectors}
        needed = {"texts", "input_type"}
    else:
        raise Refused(400, "ValidationException", f"{model} has no such interface")
    wrong = [key for key in body if not isinstance(body[key], known.get(key, ()))]
    if wrong or not needed <= set(body):
        raise Refused(400, "ValidationException", f"extraneous or malformed: {wrong}")
    exchange.reply(200, json.dumps(answer).encode(),
                   [("x-amzn-requestid", "req-1"),
                    ("x-amzn-bedrock-input-token-count", str(scene.INPUT_TOKENS))])


def _answer(exchange):
    request = exchange.request
    found = re.fullmatch(MODELS, request.target)
    if request.method != "POST" or not found:
        raise Refused(404, "UnknownOperationException", request.target)
    bedrock.check_signature(request)
    scene.need_json(request, "SerializationException")
    model, verb = urllib.parse.unquote(found[1]), found[2]
    if verb == "invoke":
        _invoke(exchange, model, json.loads(request.body))
        return
    if verb == "count-tokens":
        body = json.loads(request.body)
        bedrock.check_body_of("CountTokens", body, model)
        if "converse" in body["input"]:
            bedrock.check_turns(body["input"]["converse"]["messages"])
        else:
            anthropic_api.check_invoked(body, model)
        exchange.reply(200, json.dumps({"inputTokens": scene.COUNTED_TOKENS}).encode())
        return
    operation = "ConverseStream" if verb == "converse-stream" else "Converse"
    says = scene.play(asked(bedrock.check_body(request, operation, model)))
    if verb == "converse":
        exchange.reply(200, json.dumps(_whole(says)).encode(), [("x-amzn-requestid", "req-1")])
    else:
        bedrock.send_frames(exchange, _frames(says))


answer = scene.guarded(_answer, bedrock.refuse)
