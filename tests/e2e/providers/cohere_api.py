"""Cohere's v2 API: embed and rerank, with its plain `{"message": …}` errors."""
import json

from . import scene
from .scene import Refused

KEY = "cohere-backend-key"
EMBED = {"model": str, "texts": list, "images": list, "inputs": list, "input_type": str,
         "max_tokens": int, "output_dimension": int, "embedding_types": list, "truncate": str,
         "priority": int}
INPUT_TYPES = ("search_document", "search_query", "classification", "clustering", "image")
RERANK = {"model": str, "query": str, "documents": list, "top_n": int, "max_tokens_per_doc": int,
          "priority": int}


def _check(body, known, needed):
    wrong = [key for key in body if not isinstance(body[key], known.get(key, ()))]
    missing = [key for key in needed if key not in body]
    if wrong or missing:
        raise Refused(400, "", f"invalid request: unknown or malformed {wrong}, missing {missing}")


def _embed(exchange, body):
    _check(body, EMBED, ["model", "input_type"])
    if body["input_type"] not in INPUT_TYPES:
        raise Refused(400, "", f"invalid input_type: {body['input_type']}")
    texts = body.get("texts") or [""] * len(body.get("inputs") or body.get("images") or [])
    if not 0 < len(texts) <= 96 or not all(isinstance(t, str) for t in texts):
        raise Refused(400, "", "invalid request: texts")
    vectors = {kind: [scene.VECTOR for _ in texts]
               for kind in body.get("embedding_types") or ["float"]}
    if set(vectors) != {"float"}:
        raise Refused(400, "", "only float is played here")
    exchange.reply(200, json.dumps(
        {"id": "emb-1", "texts": texts, "embeddings": vectors, "response_type": "embeddings_by_type",
         "meta": {"api_version": {"version": "2"},
                  "billed_units": {"input_tokens": scene.INPUT_TOKENS}}}).encode())


def _rerank(exchange, body):
    _check(body, RERANK, ["model", "query", "documents"])
    if not body["documents"] or not all(isinstance(d, str) for d in body["documents"]):
        raise Refused(400, "", "invalid request: list of documents must be strings")
    count = min(body.get("top_n", len(body["documents"])), len(body["documents"]))
    last = len(body["documents"]) - 1
    results = [{"index": last - i, "relevance_score": 0.9 - i / 10} for i in range(count)]
    exchange.reply(200, json.dumps(
        {"id": "rr-1", "results": results,
         "meta": {"api_version": {"version": "2"}, "billed_units": {"search_units": 1}}}).encode())


def _answer(exchange):
    request = exchange.request
    if request.all("authorization") != [f"Bearer {KEY}"]:
        raise Refused(401, "", "invalid api token")
    does = {"/v2/embed": _embed, "/v2/rerank": _rerank}.get(request.target)
    if does is None or request.method != "POST":
        raise Refused(404, "", f"{request.method} {request.target}")
    scene.need_json(request, "")
    body = json.loads(request.body)
    scene.play(scene.Asked(json.dumps(body)))
    does(exchange, body)


def _refuse(exchange, error):
    exchange.reply(error.status, json.dumps({"id": "x", "message": error.message}).encode())


answer = scene.guarded(_answer, _refuse)
