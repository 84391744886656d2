#!/usr/bin/env python3
"""Writes sigv4.json and event_stream.json with botocore as the reference (pip install botocore)."""
import binascii
import datetime
import json
import pathlib
import struct
import unittest.mock

import botocore.auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.eventstream import EventStreamBuffer

HERE = pathlib.Path(__file__).parent
KEYS = [
    ("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", None),
    ("ASIAEXAMPLE", "s" * 100, "IQoJb3JpZ2luX2VjE//////////wEaCXVzLWVhc3QtMSJHMEUCIQ=="),
]
TARGETS = [
    "/",
    "/model/anthropic.claude-3-haiku-20240307-v1:0/converse",
    "/model/anthropic.claude-3-haiku-20240307-v1:0/converse-stream",
    "/model/arn:aws:bedrock:us-east-1:123456789012:inference-profile%2Fus.meta.llama/converse",
    "/model/a%20b%252Fc~d_e-f.g@h$i&j+k=l/converse",
    "/model/x/converse?b=2&a=1&a=0&c=",
    "/model/x/converse?flag&empty=&k=v%20w",
    "/model/%C3%A9%E4%B8%AD/converse",
]
HOSTS = [
    ("bedrock-runtime.us-east-1.amazonaws.com", "us-east-1"),
    ("bedrock-runtime-fips.us-gov-west-1.amazonaws.com", "us-gov-west-1"),
]
PAYLOADS = ["", '{"messages":[]}', "\u00e9\u4e2d\U0001f600" * 50]
TIMES = [(2026, 1, 2, 3, 4, 5), (2024, 2, 29, 23, 59, 59)]


def sign(host, region, target, payload, keys, moment):
    request = AWSRequest("POST", "https://" + host + target, data=payload.encode())
    signer = botocore.auth.SigV4Auth(Credentials(*keys), "bedrock", region)
    when = datetime.datetime(*moment)
    with unittest.mock.patch.object(botocore.auth, "get_current_datetime", return_value=when):
        signer.add_auth(request)
    return {name.lower(): value for name, value in request.headers.items()}


def sigv4():
    out = []
    for i, target in enumerate(TARGETS):
        for j, (host, region) in enumerate(HOSTS):
            for k, keys in enumerate(KEYS):
                payload = PAYLOADS[(i + j + k) % len(PAYLOADS)]
                moment = TIMES[(i + k) % len(TIMES)]
                headers = sign(host, region, target, payload, keys, moment)
                out.append({
                    "host": host, "region": region, "target": target, "payload": payload,
                    "id": keys[0], "secret": keys[1], "token": keys[2] or "",
                    "time": datetime.datetime(*moment, tzinfo=datetime.timezone.utc).timestamp(),
                    "authorization": headers["authorization"], "date": headers["x-amz-date"],
                })
    return out


def header(name, kind, value):
    raw = struct.pack("B", len(name)) + name.encode() + struct.pack("B", kind)
    formats = {2: ">b", 3: ">h", 4: ">i", 5: ">q", 8: ">q"}
    if kind in (0, 1):
        return raw
    if kind in formats:
        return raw + struct.pack(formats[kind], value)
    if kind == 9:
        return raw + value
    return raw + struct.pack(">H", len(value)) + value


def message(headers, payload):
    block = b"".join(header(*h) for h in headers)
    prelude = struct.pack(">II", 16 + len(block) + len(payload), len(block))
    raw = prelude + struct.pack(">I", binascii.crc32(prelude)) + block + payload
    return raw + struct.pack(">I", binascii.crc32(raw))


def event_stream():
    cases = {
        "empty": ([], b""),
        "payload only": ([], b'{"foo":"bar"}'),
        "strings": ([(":event-type", 7, b"messageStart"), (":content-type", 7, b"application/json"),
                     (":message-type", 7, b"event")], b'{"role":"assistant"}'),
        "all types": ([("yes", 0, None), ("no", 1, None), ("byte", 2, -7), ("short", 3, -1234),
                       ("int", 4, 123456789), ("long", 5, -(2 ** 62)), ("blob", 6, b"\x00\xff"),
                       ("text", 7, "\u00e9".encode()), ("time", 8, 1700000000000),
                       ("uuid", 9, bytes(range(16)))], b"x" * 3000),
    }
    out = []
    for name, (headers, payload) in cases.items():
        raw = message(headers, payload)
        buffer = EventStreamBuffer()
        buffer.add_data(raw)
        (parsed,) = list(buffer)
        assert parsed.payload == payload
        for header_name, kind, value in headers:
            got = parsed.headers[header_name]
            if kind == 7:
                assert got == value.decode()
            elif kind not in (0, 1):
                assert got == value, (got, value)
        out.append({
            "name": name, "hex": raw.hex(), "payload": payload.decode(),
            "headers": [{"name": n, "type": k,
                         "hex": v.hex() if isinstance(v, bytes) else "",
                         "number": v if isinstance(v, int) else 0} for n, k, v in headers],
        })
    return out


for name, rows in (("sigv4", sigv4()), ("event_stream", event_stream())):
    (HERE / f"{name}.json").write_text(json.dumps(rows, indent=1, ensure_ascii=True) + "\n")
    print(name, len(rows))
