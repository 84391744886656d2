"""What each schema says on the wire, cut into the parts between which a provider can break, and what a client
of that schema makes of the bytes it received."""
import dataclasses
import json

from providers import bedrock, openai_dialect

USER = [{"role": "user", "content": "hi"}]
WARM_UP = [{"role": "user", "content": "warm up"}]


@dataclasses.dataclass
class Heard:
    """A client's view of a stream: what it would show, and whether it was told how it ended."""
    text: str = ""
    is_finished: bool = False
    error: str = ""


def sse(data, event=None):
    name = f"event: {event}\n" if event else ""
    return f"{name}data: {data if isinstance(data, str) else json.dumps(data)}\n\n".encode()


def sse_events(body):
    """(event name, data) of every whole event."""
    for block in body.replace(b"\r\n", b"\n").split(b"\n\n")[:-1]:
        name, data = None, []
        for line in block.split(b"\n"):
            key, _, value = line.partition(b":")
            if key == b"event":
                name = value.strip().decode()
            elif key == b"data":
                data.append(value.removeprefix(b" "))
        if data:
            yield name, b"\n".join(data)


class Chat:
    name = "chat"
    path = "/v1/chat/completions"
    schema = "OpenAI"
    stream_type = "text/event-stream"
    ping = b": still here\n\n"
    done = openai_dialect.DONE

    def ask(self, model, is_stream, messages=None):
        return {"model": model, "messages": messages or USER, **({"stream": True} if is_stream else {})}

    def role(self):
        return [openai_dialect.event({"role": "assistant", "content": ""})]

    def content(self, text):
        return [openai_dialect.event({"content": word}) for word in openai_dialect.words(text)]

    def finish(self):
        return [openai_dialect.event({}, "stop"), self.done]

    def error_event(self):
        return sse({"error": {"message": "overloaded", "type": "server_error", "code": None}})

    def error_object(self):
        return json.dumps({"error": {"message": "overloaded", "type": "server_error", "param": None,
                                     "code": "overloaded"}}).encode()

    def whole(self, text):
        return json.dumps(openai_dialect.completion(text)).encode()

    def hear(self, body):
        heard = Heard()
        for _, data in sse_events(body):
            if data == b"[DONE]":
                heard.is_finished = True
                continue
            try:
                event = json.loads(data)
            except ValueError:
                continue
            if event.get("error"):
                heard.error = event["error"]["message"]
            for choice in event.get("choices") or []:
                heard.text += self.piece(choice)
                heard.is_finished |= choice.get("finish_reason") is not None
        return heard

    def piece(self, choice):
        return choice.get("delta", {}).get("content") or ""

    def read(self, answer):
        """The text of a unary answer; raises where it is none."""
        return answer["choices"][0]["message"]["content"]

    def is_error(self, answer):
        return set(answer["error"]) >= {"message", "type"}


class Completions(Chat):
    name = "completions"
    path = "/v1/completions"

    def ask(self, model, is_stream, messages=None):
        return {"model": model, "prompt": (messages or USER)[0]["content"],
                **({"stream": True} if is_stream else {})}

    def _event(self, text, finish=None):
        return sse({"id": "cmpl-1", "object": "text_completion", "created": 1, "model": "m",
                    "choices": [{"index": 0, "text": text, "logprobs": None, "finish_reason": finish}]})

    def role(self):
        return [self._event("")]

    def content(self, text):
        return [self._event(word) for word in openai_dialect.words(text)]

    def finish(self):
        return [self._event("", "stop"), self.done]

    def whole(self, text):
        return json.dumps({"id": "cmpl-1", "object": "text_completion", "created": 1, "model": "m",
                           "choices": [{"index": 0, "text": text, "logprobs": None,
                                        "finish_reason": "stop"}]}).encode()

    def piece(self, choice):
        return choice.get("text") or ""

    def read(self, answer):
        return answer["choices"][0]["text"]


class Responses(Chat):
    name = "responses"
    path = "/v1/responses"
    done = b""

    def ask(self, model, is_stream, messages=None):
        return {"model": model, "input": (messages or USER)[0]["content"],
                **({"stream": True} if is_stream else {})}

    def _event(self, kind, **fields):
        return sse({"type": kind, "sequence_number": 1, **fields}, kind)

    def _response(self, status, text=None):
        output = [] if text is None else [
            {"type": "message", "id": "msg_1", "status": "completed", "role": "assistant",
             "content": [{"type": "output_text", "text": text, "annotations": []}]}]
        return {"id": "resp_1", "object": "response", "created_at": 1, "status": status, "model": "m",
                "output": output, "error": None, "parallel_tool_calls": True, "tool_choice": "auto",
                "tools": []}

    def role(self):
        item = {"type": "message", "id": "msg_1", "status": "in_progress", "role": "assistant",
                "content": []}
        part = {"type": "output_text", "text": "", "annotations": []}
        return [self._event("response.created", response=self._response("in_progress")),
                self._event("response.in_progress", response=self._response("in_progress")),
                self._event("response.output_item.added", output_index=0, item=item),
                self._event("response.content_part.added", item_id="msg_1", output_index=0,
                            content_index=0, part=part)]

    def content(self, text):
        return [self._event("response.output_text.delta", item_id="msg_1", output_index=0,
                            content_index=0, delta=word) for word in openai_dialect.words(text)]

    def finish(self):
        return [self._event("response.completed", response=self._response("completed", "whatever"))]

    def error_event(self):
        return self._event("error", code="server_error", message="overloaded", param=None)

    def failed_event(self):
        failed = self._response("failed")
        failed["error"] = {"code": "server_error", "message": "overloaded"}
        return self._event("response.failed", response=failed)

    def whole(self, text):
        return json.dumps(self._response("completed", text)).encode()

    def hear(self, body):
        heard = Heard()
        for _, data in sse_events(body):
            try:
                event = json.loads(data)
            except ValueError:
                continue
            kind = event.get("type", "")
            if kind == "response.output_text.delta":
                heard.text += event["delta"]
            elif kind in ("response.completed", "response.incomplete"):
                heard.is_finished = True
            elif kind in ("error", "response.failed") or "error" in event:
                heard.error = json.dumps(event)
        return heard

    def read(self, answer):
        assert answer["status"] == "completed"
        return answer["output"][0]["content"][0]["text"]


class Messages(Chat):
    name = "messages"
    path = "/anthropic/v1/messages"
    schema = "Anthropic"
    ping = sse({"type": "ping"}, "ping")
    done = b""

    def ask(self, model, is_stream, messages=None):
        return {**super().ask(model, is_stream, messages), "max_tokens": 100}

    def _event(self, kind, **fields):
        return sse({"type": kind, **fields}, kind)

    def _message(self, content, stop):
        return {"id": "msg_1", "type": "message", "role": "assistant", "model": "m", "content": content,
                "stop_reason": stop, "stop_sequence": None,
                "usage": {"input_tokens": 3, "output_tokens": 1}}

    def role(self):
        return [self._event("message_start", message=self._message([], None)), self.ping,
                self._event("content_block_start", index=0, content_block={"type": "text", "text": ""})]

    def content(self, text):
        return [self._event("content_block_delta", index=0, delta={"type": "text_delta", "text": word})
                for word in openai_dialect.words(text)]

    def finish(self):
        return [self._event("content_block_stop", index=0),
                self._event("message_delta", delta={"stop_reason": "end_turn", "stop_sequence": None},
                            usage={"output_tokens": 9}),
                self._event("message_stop")]

    def error_event(self):
        return sse(self.error_object().decode(), "error")

    def error_object(self):
        return json.dumps({"type": "error", "error": {"type": "overloaded_error",
                                                      "message": "Overloaded"}}).encode()

    def whole(self, text):
        return json.dumps(self._message([{"type": "text", "text": text}], "end_turn")).encode()

    def hear(self, body):
        heard = Heard()
        for name, data in sse_events(body):
            try:
                event = json.loads(data)
            except ValueError:
                continue
            kind = event.get("type")
            if name == "error":  # what the SDK goes by
                heard.error = event["error"]["message"]
            elif kind == "content_block_delta":
                heard.text += event["delta"]["text"]
            elif kind == "message_stop" or (kind == "message_delta" and event["delta"]["stop_reason"]):
                heard.is_finished = True
        return heard

    def read(self, answer):
        assert answer["stop_reason"]
        return answer["content"][0]["text"]

    def is_error(self, answer):
        return answer["type"] == "error" and set(answer["error"]) >= {"message", "type"}


class Converse(Chat):
    """A client of chat completions in front of Bedrock."""
    name = "converse"
    schema = "AWSBedrock"
    stream_type = "application/vnd.amazon.eventstream"
    ping = done = b""

    def role(self):
        return [bedrock.event("messageStart", {"role": "assistant"})]

    def content(self, text):
        return bedrock.text_frames(text)[1:-3]

    def finish(self):
        return bedrock.text_frames("x")[-3:]

    def error_event(self):
        return bedrock.exception("modelStreamErrorException", "overloaded")

    def error_object(self):
        return b'{"message":"overloaded"}'

    def whole(self, text):
        return json.dumps({"output": {"message": {"role": "assistant", "content": [{"text": text}]}},
                           "stopReason": "end_turn", "usage": bedrock.USAGE,
                           "metrics": {"latencyMs": 3}}).encode()


DIALECTS = {d.name: d for d in (Chat(), Completions(), Responses(), Messages(), Converse())}
