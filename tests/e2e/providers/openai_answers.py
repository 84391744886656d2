"""What OpenAI's API says of one play: chat, completions, responses, embeddings."""
import base64
import json
import struct

from . import scene

DONE = b"data: [DONE]\n\n"
CHAT_USAGE = {"prompt_tokens": scene.INPUT_TOKENS, "completion_tokens": scene.OUTPUT_TOKENS,
              "total_tokens": scene.INPUT_TOKENS + scene.OUTPUT_TOKENS}


def _calls(says):
    return [{"id": i, "type": "function",
             "function": {"name": name, "arguments": json.dumps(arguments)}}
            for i, name, arguments in says.calls]


def chat(says, model):
    message = {"role": "assistant", "content": says.text or None, "refusal": None}
    if says.calls:
        message["tool_calls"] = _calls(says)
    return {"id": "chatcmpl-1", "object": "chat.completion", "created": 1700000000, "model": model,
            "choices": [{"index": 0, "message": message, "logprobs": None,
                         "finish_reason": "tool_calls" if says.calls else "stop"}],
            "usage": CHAT_USAGE, "system_fingerprint": None}


def _call_deltas(says):
    for at, call in enumerate(_calls(says)):
        first, second = scene.halves(call["function"]["arguments"])
        yield {**call, "index": at, "function": {"name": call["function"]["name"], "arguments": ""}}
        yield {"index": at, "function": {"arguments": first}}
        yield {"index": at, "function": {"arguments": second}}


def chat_events(says, model, with_usage):
    def chunk(choices, **more):
        whole = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1700000000,
                 "model": model, "choices": choices, **more}
        return scene.sse(json.dumps(whole))

    def delta(content, finish=None):
        return chunk([{"index": 0, "delta": content, "logprobs": None, "finish_reason": finish}])

    pieces = [delta({"role": "assistant", "content": None if says.calls else ""})]
    if says.text:
        pieces += [delta({"content": word}) for word in scene.words(says.text)]
    pieces += [delta({"tool_calls": [call]}) for call in _call_deltas(says)]
    pieces.append(delta({}, "tool_calls" if says.calls else "stop"))
    if with_usage:
        pieces.append(chunk([], usage=CHAT_USAGE))
    return [*pieces, DONE]


def completion(says, model):
    return {"id": "cmpl-1", "object": "text_completion", "created": 1700000000, "model": model,
            "choices": [{"index": 0, "text": says.text, "logprobs": None, "finish_reason": "stop"}],
            "usage": CHAT_USAGE}


def completion_events(says, model):
    whole = completion(says, model)
    del whole["usage"]
    pieces = []
    for word in scene.words(says.text):
        pieces.append(scene.sse(json.dumps({**whole, "choices": [
            {"index": 0, "text": word, "logprobs": None, "finish_reason": None}]})))
    pieces.append(scene.sse(json.dumps({**whole, "choices": [
        {"index": 0, "text": "", "logprobs": None, "finish_reason": "stop"}]})))
    return [*pieces, DONE]


def _output_items(says, status):
    if says.text:
        return [{"id": "msg_1", "type": "message", "role": "assistant", "status": status, "content": [
            {"type": "output_text", "text": says.text, "annotations": [], "logprobs": []}]}]
    return [{"id": "fc_" + i, "type": "function_call", "call_id": i, "name": name, "status": status,
             "arguments": json.dumps(arguments)} for i, name, arguments in says.calls]


def response(says, body, status="completed"):
    is_done = status == "completed"
    usage = {"input_tokens": scene.INPUT_TOKENS, "output_tokens": scene.OUTPUT_TOKENS,
             "total_tokens": scene.INPUT_TOKENS + scene.OUTPUT_TOKENS,
             "input_tokens_details": {"cached_tokens": 0},
             "output_tokens_details": {"reasoning_tokens": 0}}
    return {"id": "resp_1", "object": "response", "created_at": 1700000000, "status": status,
            "background": False, "error": None, "incomplete_details": None, "instructions": None,
            "max_output_tokens": None, "model": body["model"], "parallel_tool_calls": True,
            "output": _output_items(says, status) if is_done else [], "previous_response_id": None,
            "temperature": 1.0, "top_p": 1.0, "tool_choice": "auto", "tools": [], "metadata": {},
            "text": body.get("text") or {"format": {"type": "text"}}, "truncation": "disabled",
            "usage": usage if is_done else None}


def response_events(says, body):
    found = [("response.created", {"response": response(says, body, "in_progress")}),
             ("response.in_progress", {"response": response(says, body, "in_progress")})]
    for at, item in enumerate(_output_items(says, "completed")):
        where = {"item_id": item["id"], "output_index": at}
        is_text = item["type"] == "message"
        begun = {**item, "status": "in_progress", **({"content": []} if is_text else
                                                     {"arguments": ""})}
        found.append(("response.output_item.added", {"output_index": at, "item": begun}))
        if is_text:
            part = item["content"][0]
            where["content_index"] = 0
            found.append(("response.content_part.added", {**where, "part": {**part, "text": ""}}))
            found += [("response.output_text.delta", {**where, "delta": word, "logprobs": []})
                      for word in scene.words(part["text"])]
            found.append(("response.output_text.done",
                          {**where, "text": part["text"], "logprobs": []}))
            found.append(("response.content_part.done", {**where, "part": part}))
        else:
            found += [("response.function_call_arguments.delta", {**where, "delta": half})
                      for half in scene.halves(item["arguments"])]
            found.append(("response.function_call_arguments.done",
                          {**where, "name": item["name"], "arguments": item["arguments"]}))
        found.append(("response.output_item.done", {"output_index": at, "item": item}))
    found.append(("response.completed", {"response": response(says, body)}))
    return [scene.sse(json.dumps({"type": kind, "sequence_number": number, **event}), kind)
            for number, (kind, event) in enumerate(found)]


def embeddings(body):
    entries = body["input"]
    if isinstance(entries, str) or isinstance(entries[0], int):
        entries = [entries]
    vector = scene.VECTOR
    if body.get("encoding_format") == "base64":
        vector = base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()
    return {"object": "list", "model": body["model"],
            "data": [{"object": "embedding", "index": i, "embedding": vector}
                     for i in range(len(entries))],
            "usage": {"prompt_tokens": scene.INPUT_TOKENS, "total_tokens": scene.INPUT_TOKENS}}
