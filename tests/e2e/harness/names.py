"""A name server of the tests' own, and what makes a child process ask it (a mount namespace, root)."""
import os
import socket
import struct
import subprocess
import threading


def may_mount():
    return os.geteuid() == 0 and subprocess.run(
        ["unshare", "--mount", "true"], capture_output=True, check=False).returncode == 0


def asking(address, folder, before="true"):
    """What goes before a command so that it asks `address` for names; `before`: more of a script
    inside its mount namespace."""
    (folder / "resolv.conf").write_text(f"nameserver {address}\noptions timeout:1 attempts:1\n")
    return ["unshare", "--mount", "sh", "-c",
            f"mount --bind {folder}/resolv.conf /etc/resolv.conf && {before} && exec \"$0\" \"$@\""]


class NameServer:
    """Answers every A question with `addresses`; counts the questions. `mode` may change at any time."""

    def __init__(self, address):
        self.addresses, self.ttl, self.questions = ["127.0.0.1"], 1, 0
        self.mode = "well"  # or silent, servfail
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((address, 53))
        self.socket.settimeout(0.1)
        self.is_over = False
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def serve(self):
        while not self.is_over:
            try:
                query, peer = self.socket.recvfrom(512)
            except TimeoutError:
                continue
            answer = self.answer(query)
            if self.mode != "silent":
                self.socket.sendto(answer, peer)

    def answer(self, query):
        end = query.index(b"\0", 12) + 5
        kind = struct.unpack(">H", query[end - 4:end - 2])[0]
        records = b""
        found = self.addresses if kind == 1 else []
        self.questions += kind == 1
        for address in found:
            records += b"\xc0\x0c" + struct.pack(">HHIH", 1, 1, self.ttl, 4) + socket.inet_aton(address)
        if self.mode == "servfail":
            return query[:2] + struct.pack(">HHHHH", 0x8182, 1, 0, 0, 0) + query[12:end]
        return query[:2] + struct.pack(">HHHHH", 0x8180, 1, len(found), 0, 0) + query[12:end] + records

    def stop(self):
        self.is_over = True
        self.thread.join()
        self.socket.close()
