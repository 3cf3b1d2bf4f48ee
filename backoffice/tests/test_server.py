"""The server as the Procfile starts it: whoever is slow waits, and nobody with them."""

import http.client
import os
import signal
import socket
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace

import pytest
from gunicorn.config import Config
from gunicorn.http import get_parser

from backoffice.tests.installations import Installation
from backoffice.web import server
from backoffice.web.server import GatheringWorker

pytestmark = pytest.mark.slow

HEAD = b"POST /book/ HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/x-www-form-urlencoded\r\n"
SLOW = {
    "silent": b"",
    "a head": b"GET /book/ HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: ",
    "a small body": HEAD + b"Content-Length: 500\r\n\r\na=",
    "a body that waits to be asked": HEAD + b"Expect: 100-continue\r\nContent-Length: 500\r\n\r\n",
    "a large body": HEAD + b"Content-Length: 100000000\r\n\r\na=",
    "a body of any length": HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\na=",
}


@pytest.fixture(scope="module")
def served(tmp_path_factory) -> Iterator[SimpleNamespace]:
    """One worker of four threads, which a fifth visitor would wait for: its port, and the process of its master."""
    made = Installation(tmp_path_factory.mktemp("served"))
    try:
        server, port = made.serve(WEB_WORKERS="1")
        yield SimpleNamespace(port=port, pid=server.pid)
    finally:
        made.close()


@pytest.fixture
def port(served) -> int:
    return served.port


def ask(port: int, path: str = "/healthz", timeout: float = 10) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    connection.request("GET", path)
    return connection.getresponse().status


def test_however_many_send_slowly_others_are_served_at_once(port):
    with ExitStack() as stack:
        for start in SLOW.values():
            for _visitor in range(30):
                visitor = stack.enter_context(socket.create_connection(("127.0.0.1", port)))
                visitor.sendall(start)
        began = time.monotonic()
        assert [ask(port) for _time in range(5)] == [200] * 5
        assert time.monotonic() - began < server.ARRIVES  # when the first of them would be given up


def test_who_makes_room_and_is_whole_at_that_moment_takes_nobody_with_them(served):
    """More are on their way than are waited for, and the oldest sends its last line just as one more comes."""
    [worker] = map(int, Path(f"/proc/{served.pid}/task/{served.pid}/children").read_text().split())
    kept = http.client.HTTPConnection("127.0.0.1", served.port, timeout=10)
    kept.request("GET", "/healthz")
    kept.getresponse().read()
    with ExitStack() as stack:

        def one_more() -> socket.socket:
            return stack.enter_context(socket.create_connection(("127.0.0.1", served.port)))

        oldest = one_more()
        oldest.sendall(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n")
        opened = len(os.listdir(f"/proc/{worker}/fd"))
        for _visitor in range(449):
            one_more()
        deadline = time.monotonic() + 20
        while len(os.listdir(f"/proc/{worker}/fd")) < opened + 449 and time.monotonic() < deadline:
            time.sleep(0.05)
        os.kill(worker, signal.SIGSTOP)
        try:
            one_more()
            oldest.sendall(b"\r\n")
        finally:
            os.kill(worker, signal.SIGCONT)
        assert ask(served.port) == 200
        kept.request("GET", "/healthz")
        assert kept.getresponse().status == 200
    assert Path(f"/proc/{worker}").exists()


def test_a_request_that_comes_in_pieces_is_answered_as_one(port):
    with socket.create_connection(("127.0.0.1", port), timeout=10) as visitor:
        for piece in (b"GET /healthz HTTP/1.1\r\nHo", b"st: 127.0.0.1\r\nContent-Length: 4", b"\r\n\r\nab", b"cd"):
            visitor.sendall(piece)
        assert visitor.recv(4096).startswith(b"HTTP/1.1 200")
        # Two more behind each other, on the same connection.
        visitor.sendall(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n" * 2)
        answers = b""
        while answers.count(b'"ok"') < 2:
            answers += visitor.recv(4096)


def test_a_stranger_who_sends_a_large_file_hears_why_it_was_refused(port):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    connection.putrequest("POST", "/book/")
    connection.putheader("Content-Type", "multipart/form-data; boundary=edge")
    connection.putheader("Content-Length", "50000000")
    connection.endheaders()
    for _megabyte in range(50):
        connection.send(bytes(1_000_000))
    answer = connection.getresponse()
    assert answer.status == 413
    assert b"at most 64.0" in answer.read()


def test_a_head_without_end_is_refused(port):
    with socket.create_connection(("127.0.0.1", port), timeout=10) as visitor:
        visitor.sendall(b"GET / HTTP/1.1\r\nX-Long: " + b"x" * 40_000)
        assert visitor.recv(4096).startswith(b"HTTP/1.1 431")


@pytest.mark.parametrize(("sent", "read", "stays"), [(b"a=b", 3, True), (b"a=b", 0, True), (b"a=", 0, False)])
def test_a_connection_whose_body_was_read_or_is_here_stays_open_however_late_its_thread_looks(
    monkeypatch, sent, read, stays
):
    """A busy machine lets a thread wait for longer than the rest of an unread body was ever waited for."""
    monkeypatch.setattr(server, "time", SimpleNamespace(monotonic=lambda: 0))
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(b"POST /admin/ HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\n" + sent)
        parser = get_parser(Config(), ours, ("127.0.0.1", 1))
        next(parser).body.read(read)
        conn = SimpleNamespace(parser=parser, sock=ours)
        assert GatheringWorker._keepalive_after(SimpleNamespace(cfg=Config()), conn, True) is stays


def test_requests_that_were_answered_leave_memory_before_there_are_many(installation):
    """Each lies in a ring of Django's, which only Python's collector takes apart."""
    _server, port = installation.serve("backoffice.tests.held_requests", WEB_WORKERS="1")
    held = []
    for _request in range(80):
        assert ask(port, "/book/") == 200
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/held") as answer:
            held.append(int(answer.read()))
    assert max(held) < 10
