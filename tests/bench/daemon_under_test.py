"""A daemon started by a benchmark, what it uses, and clients that load it. Needs only Python's own library."""

import http.client
import os
import pathlib
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import time

PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
TICKS = os.sysconf("SC_CLK_TCK")
START_LIMIT_SECONDS = 120
HEARTBEAT = b"\0\0\0\0_heartbeat_"
MESSAGE_TYPE = 2


class Daemon:
    """`nsq daemon` on a data path of its own, which outlives the process so that it can be started again."""

    def __init__(self, nsq, where, flags=()):
        self.nsq = nsq
        self.flags = list(flags)
        self.work = pathlib.Path(tempfile.mkdtemp(prefix="bench.", dir=where))
        self.data = self.work / "data"
        self.data.mkdir()
        self.process = None
        self.tcp = self.http = None

    def start(self):
        """Returns when /ping says OK; says how long that took, in seconds."""
        log_path = self.work / "log"
        begin = time.monotonic()
        with open(log_path, "wb") as log:
            self.process = subprocess.Popen(
                [self.nsq, "daemon", "--tcp-address=127.0.0.1:0", "--http-address=127.0.0.1:0",
                 f"--data-path={self.data}", *self.flags], stderr=log)
        while time.monotonic() < begin + START_LIMIT_SECONDS:
            text = log_path.read_text(errors="replace")
            ports = [line.rsplit(":", 1)[1] for line in text.splitlines()
                     if "TCP: listening on" in line or "HTTP: listening on" in line]
            if len(ports) == 2:
                self.tcp, self.http = map(int, ports)
                if self.get("/ping")[0] == 200:
                    return time.monotonic() - begin
            if self.process.poll() is not None:
                raise SystemExit(f"the daemon ended:\n{text}")
            time.sleep(0.002)
        raise SystemExit("the daemon did not start")

    def kill(self):
        self.process.kill()
        self.process.wait()

    def stop(self):
        """In good order; says how long that took."""
        begin = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(120)
        return time.monotonic() - begin

    def close(self):
        if self.process and self.process.poll() is None:
            self.kill()
        shutil.rmtree(self.work)

    # --- what it uses

    def _status(self, name):
        for line in pathlib.Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith(name + ":"):
                return int(line.split()[1]) * 1024
        raise KeyError(name)

    def rss(self):
        return self._status("VmRSS")

    def peak_rss(self):
        return self._status("VmHWM")

    def cpu_seconds(self):
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def bytes_read(self):
        for line in pathlib.Path(f"/proc/{self.process.pid}/io").read_text().splitlines():
            if line.startswith("rchar:"):
                return int(line.split()[1])
        return 0

    def disk_bytes(self):
        """What the data path's files hold; those being removed just now may be missing."""
        total = 0
        for directory, _, names in os.walk(self.data):
            for name in names:
                try:
                    total += os.stat(os.path.join(directory, name)).st_size
                except FileNotFoundError:
                    pass
        return total

    # --- asking

    def get(self, target):
        return self._ask("GET", target)

    def post(self, target, body=b""):
        status, answer = self._ask("POST", target, body)
        if status != 200:
            raise SystemExit(f"{target}: {status} {answer!r}")
        return answer

    def _ask(self, method, target, body=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.http, timeout=60)
        try:
            connection.request(method, target, body)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()


class Client:
    """One TCP V2 connection, spoken to in blocks: Python is no match for the daemon otherwise."""

    def __init__(self, daemon, identify=b"{\"heartbeat_interval\":60000}"):
        self.socket = socket.create_connection(("127.0.0.1", daemon.tcp), timeout=60)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = bytearray()
        self.socket.sendall(b"  V2IDENTIFY\n" + struct.pack(">I", len(identify)) + identify)
        self.expect_ok()

    def close(self):
        self.socket.close()

    def fill(self):
        block = self.socket.recv(1 << 20)
        if not block:
            raise SystemExit("the daemon closed the connection")
        self.buffer += block

    def frame(self):
        while True:
            if len(self.buffer) >= 4:
                size = struct.unpack_from(">I", self.buffer)[0] + 4
                if len(self.buffer) >= size:
                    frame = bytes(self.buffer[4:size])
                    del self.buffer[:size]
                    return frame
            self.fill()

    def expect_ok(self):
        frame = self.frame()
        while frame == HEARTBEAT:
            self.socket.sendall(b"NOP\n")
            frame = self.frame()
        if frame != b"\0\0\0\0OK":
            raise SystemExit(f"the daemon answered {frame!r}")

    def publish(self, topic, count, body_bytes, batch=1000, window=8):
        """As MPUBs, a few of them unanswered at any time."""
        body = b"x" * body_bytes
        message = struct.pack(">I", body_bytes) + body

        def command(messages):
            payload = struct.pack(">I", messages) + message * messages
            return b"MPUB " + topic.encode() + b"\n" + struct.pack(">I", len(payload)) + payload

        whole = command(batch)
        unanswered = 0
        while count > 0:
            self.socket.sendall(whole if count >= batch else command(count))
            count -= batch
            unanswered += 1
            if unanswered == window:
                self.expect_ok()
                unanswered -= 1
        for _ in range(unanswered):
            self.expect_ok()

    def subscribe(self, topic, channel, ready):
        self.socket.sendall(f"SUB {topic} {channel}\n".encode())
        self.expect_ok()
        self.socket.sendall(f"RDY {ready}\n".encode())

    def consume(self, count, body_bytes, answer):
        """Takes so many messages, answering each with what `answer(ids)` gives for those of one read."""
        message_header = struct.pack(">II", 4 + 26 + body_bytes, MESSAGE_TYPE)
        frame_bytes = 4 + 4 + 26 + body_bytes
        while count > 0:
            block, at, ids = bytes(self.buffer), 0, []
            while count > 0 and block.startswith(message_header, at) and at + frame_bytes <= len(block):
                ids.append(block[at + 18:at + 34])
                at += frame_bytes
                count -= 1
            del self.buffer[:at]
            if ids:
                self.socket.sendall(answer(ids))
            elif len(self.buffer) < 8 or self.buffer.startswith(message_header):
                self.fill()
            else:
                frame = self.frame()
                if frame != HEARTBEAT:
                    raise SystemExit(f"the daemon sent {frame!r}")
                self.socket.sendall(b"NOP\n")


def finish_all(ids):
    return b"".join(b"FIN " + message_id + b"\n" for message_id in ids)


def check_program(nsq):
    if not os.access(nsq, os.X_OK):
        raise SystemExit(f"{nsq} is missing; build it with: cmake --preset release && cmake --build --preset release")
    return nsq


def mebibytes(count):
    return f"{count / (1 << 20):.1f} MiB"
