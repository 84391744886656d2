"""What a daemon was told in confidence, and whether it ever said it: on its standard output and error,
to its operator, or to a client. Every daemon of the suite is looked through when it has ended."""
import base64
import configparser
import json
import re
import urllib.parse

import yaml

SHORTEST = 8  # anything shorter is found in ordinary words
SECRET_NAME = re.compile(r"KEY|TOKEN|SECRET|PASSWORD|CREDENTIAL", re.IGNORECASE)
PUBLIC_NAMES = {"AWS_ACCESS_KEY_ID", "AWS_WEB_IDENTITY_TOKEN_FILE", "GOOGLE_APPLICATION_CREDENTIALS",
                "AWS_SHARED_CREDENTIALS_FILE", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"}
# Of a document within a Secret. The others (ids, addresses, regions) are no secrets.
SECRET_MEMBERS = {"private_key", "client_secret", "refresh_token", "aws_secret_access_key",
                  "aws_session_token"}
MOST_HEARD = 1 << 20  # of one client's bytes

_heard = {}  # port → what clients received from it
LEAKS = []   # of the whole session
SCANNED = {"daemons": 0, "secrets": 0, "bytes": 0}


def hear(port, data):
    """Bytes that a client of the harness received from the daemon on this port."""
    heard = _heard.setdefault(port, bytearray())
    if len(heard) < MOST_HEARD:
        heard += data


def forget(port):
    return bytes(_heard.pop(port, b""))


def of_value(text):
    """The secrets in a value of a Secret: of a key its lines, of a document its members, else itself."""
    if "-----BEGIN CERTIFICATE" in text and "PRIVATE KEY" not in text:
        return set()
    if "PRIVATE KEY-----" in text:
        block = text[text.index("PRIVATE KEY-----"):].split("-----END")[0]
        return {line for line in re.split(r"\s|\\n", block) if len(line) >= 40}
    with_members = members(text)
    if with_members is not None:
        return set().union(*(of_value(v) for k, v in with_members if k.lower() in SECRET_MEMBERS))
    return {text.strip()}


def members(text):
    """(name, value) pairs where the value is a JSON object or an INI file, else None."""
    try:
        document = json.loads(text)
        if isinstance(document, dict):
            return [(k, v) for k, v in document.items() if isinstance(v, str)]
    except ValueError:
        pass
    ini = configparser.RawConfigParser()
    try:
        ini.read_string(text)
    except configparser.Error:
        return None
    return [pair for section in ini.sections() for pair in ini.items(section)]


def of_configuration(text):
    """The secrets of every Secret in a configuration that can be read."""
    found = set()
    try:
        documents = [d for d in yaml.safe_load_all(text) if isinstance(d, dict)]
    except yaml.YAMLError:
        return found
    for document in documents:
        if document.get("kind") != "Secret":
            continue
        for value in (document.get("stringData") or {}).values():
            found |= of_value(str(value))
        for value in (document.get("data") or {}).values():
            try:
                found |= of_value(base64.b64decode(str(value)).decode())
            except ValueError:
                continue
    return found


def of_environment(env):
    named = {k: v for k, v in (env or {}).items() if SECRET_NAME.search(k) and k not in PUBLIC_NAMES}
    return set().union(*(of_value(v) for v in named.values())) if named else set()


def of_flags(flags):
    flags = [str(flag) for flag in flags]
    return {b for a, b in zip(flags, flags[1:]) if a == "--admin-token"}


def shapes(secret):
    """The secret as it may stand in an output: as it is, escaped, in hexadecimal, or in base64 at
    whatever place of a longer text."""
    data = secret.encode()
    yield data
    yield urllib.parse.quote(secret, safe="").encode()
    yield urllib.parse.quote_plus(secret).encode()
    yield json.dumps(secret)[1:-1].encode()
    yield data.hex().encode()
    for before in range(3):
        whole = base64.b64encode(b"\0" * before + data).rstrip(b"=")
        # The first characters hold bits of what stands before, the last one of what follows.
        piece = whole[(0, 2, 3)[before]:len(whole) - (1 if (before + len(data)) % 3 else 0)]
        yield piece
        yield piece.replace(b"+", b"-").replace(b"/", b"_")


class Confidence:
    """What one daemon was told."""

    def __init__(self, paths, env, flags):
        self.paths = paths
        self.secrets = of_environment(env) | of_flags(flags)
        self.read_files()

    def read_files(self):
        """Again at the end: files are changed while the daemon runs."""
        for path in self.paths:
            for file in sorted(path.glob("*.y*ml")) if path.is_dir() else [path]:
                if file.is_file():
                    self.secrets |= of_configuration(file.read_text(errors="replace"))

    def leaks(self, outputs):
        """["SECRET in OUTPUT"] of {name: bytes}."""
        self.read_files()
        secrets = {s for s in self.secrets if len(s) >= SHORTEST}
        patterns = {shape: secret for secret in secrets for shape in shapes(secret)}
        SCANNED["daemons"] += 1
        SCANNED["secrets"] += len(secrets)
        SCANNED["bytes"] += sum(map(len, outputs.values()))
        return [f"{secret!r} as {shape!r} in {name}" for name, text in outputs.items()
                for shape, secret in patterns.items() if shape in text]
