#!/usr/bin/env python3
"""Holds the golden Converse bodies against botocore (pip install botocore).

Every upstream_request.json must pass botocore's parameter validator for its operation, and every
upstream answer must be one that botocore itself can parse. Exits 1 with a line for each failure.
"""
import base64
import json
import pathlib
import sys

import botocore.loaders
import botocore.model
import botocore.parsers
import botocore.validate
from botocore.eventstream import EventStreamBuffer

GOLDEN = pathlib.Path(__file__).parent.parent / "golden"


def with_blobs(value, shape):
    """The document as botocore's callers give it: blobs are bytes, not base64."""
    if shape.type_name == "blob":
        return base64.b64decode(value, validate=True)
    if shape.type_name == "structure" and not shape.metadata.get("document"):
        return {name: with_blobs(item, shape.members[name]) if name in shape.members else item
                for name, item in value.items()}
    if shape.type_name == "list":
        return [with_blobs(item, shape.member) for item in value]
    return value


def unknown_members(value, shape, path=""):
    """Names that the service's model does not have."""
    if shape.type_name == "structure" and not shape.metadata.get("document"):
        for name, item in value.items():
            if name in shape.members:
                yield from unknown_members(item, shape.members[name], f"{path}.{name}")
            else:
                yield f"unknown field {path}.{name}"
    elif shape.type_name == "list":
        for item in value:
            yield from unknown_members(item, shape.member, path + "[]")


def enum_errors(value, shape, path=""):
    if shape.type_name == "structure" and not shape.metadata.get("document"):
        for name, item in value.items():
            if name in shape.members:
                yield from enum_errors(item, shape.members[name], f"{path}.{name}")
    elif shape.type_name == "list":
        for item in value:
            yield from enum_errors(item, shape.member, path)
    elif shape.type_name == "string" and getattr(shape, "enum", None) and value not in shape.enum:
        yield f"{path}: {value!r} is none of {shape.enum}"


def adjacent_roles(body):
    roles = [message["role"] for message in body["messages"]]
    if any(a == b for a, b in zip(roles, roles[1:])):
        yield f"two messages of one role in a row: {roles}"


def blank_texts(value):
    if isinstance(value, dict):
        text = value.get("text")
        if isinstance(text, str) and not text.strip() and "signature" not in value:
            yield "blank text"
        for item in value.values():
            yield from blank_texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from blank_texts(item)


def check_request(service, case):
    operation = service.operation_model("Converse")
    shape = operation.input_shape
    body = json.loads((case / "upstream_request.json").read_text())
    yield from unknown_members(body, shape)
    yield from enum_errors(body, shape)
    yield from adjacent_roles(body)
    yield from blank_texts(body["messages"])
    yield from blank_texts(body.get("system", []))
    report = botocore.validate.ParamValidator().validate(
        {"modelId": "x", **with_blobs(body, shape)}, shape)
    if report.has_errors():
        yield report.generate_report()


def check_stream(service, case):
    """botocore decodes our recorded frames without a complaint."""
    raw = (case / "upstream.bin").read_bytes()
    buffer = EventStreamBuffer()
    buffer.add_data(raw)
    for message in buffer:
        json.loads(message.payload)
        name = message.headers[":event-type"]
        if name not in service.shape_for("ConverseStreamOutput").members:
            yield f"unknown event {name}"


def main():
    loader = botocore.loaders.create_loader()
    service = botocore.model.ServiceModel(
        loader.load_service_model("bedrock-runtime", "service-2"), "bedrock-runtime")
    failures, checked = 0, 0
    for case in sorted(GOLDEN.glob("*/aws_bedrock/*")):
        problems = []
        if (case / "upstream_request.json").exists():
            checked += 1
            problems += check_request(service, case)
        if case.name == "stream_bytes":
            problems += check_stream(service, case)
        for problem in problems:
            failures += 1
            print(f"{case.relative_to(GOLDEN)}: {problem}")
    if checked < 40:
        print(f"only {checked} cases found under {GOLDEN}")
        failures += 1
    print(f"{checked} Converse bodies checked, {failures} failures")
    return 1 if failures else 0


sys.exit(main())
