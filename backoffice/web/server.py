"""gunicorn's worker, but a thread is given to a request that is here, and never to one that is still on its way.

gunicorn's own threads wait for the rest of a head and of a body, for as long as it takes: eight visitors on bad lines,
or one on purpose, and a site of eight threads answers nobody. Here the loop that watches the kept-alive connections
anyway gathers each head, and each body that is small, without a thread. A large body is left where it is: its page
reads it, if it takes files from this sender (bodies.py).
"""

import re
import selectors
import socket
import time
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from gunicorn.workers.gthread import TConn, ThreadWorker

from backoffice.web.sizes import SMALL

ARRIVES = 20  # seconds for a head with its small body
STALLS = 30  # seconds for the next piece of a large one, or for a reader to take the next of an answer
LINGERS = 10  # seconds in which a sender, whose body was refused, hears why
HEAD = 32 * 1024  # bytes
PIECE = 256 * 1024
ANSWER = 1024 * 1024  # bytes that the kernel keeps for a slow reader, so that no thread does

LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*(\d{1,18})[ \t]*\r\n", re.IGNORECASE)
WAITS_FOR_A_WORD = re.compile(rb"\r\nexpect:[ \t]*100-continue", re.IGNORECASE)
TOO_SLOW = b"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
HEAD_TOO_LARGE = b"HTTP/1.1 431 Request Header Fields Too Large\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"


@dataclass(eq=False)
class Arriving:
    """A request on its way."""

    conn: TConn
    give_up_at: float
    data: bytearray = field(default_factory=bytearray)
    was_asked_on: bool = False

    @property
    def head(self) -> bytes | None:
        end = self.data.find(b"\r\n\r\n")
        return None if end < 0 else bytes(self.data[: end + 4])

    def is_here(self, head: bytes) -> bool:
        """Whether a thread would wait for nothing more, or the rest is for the page to read."""
        return length_of(head) > SMALL or len(self.data) >= len(head) + length_of(head)


def length_of(head: bytes) -> int:
    said = LENGTH.search(head)
    return int(said[1]) if said else 0


class GatheringWorker(ThreadWorker):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.arriving: dict[socket.socket, Arriving] = {}  # in the order of their time
        self.lingering: dict[socket.socket, tuple[TConn, float]] = {}

    # -- A request arrives --------------------------------------------------------------------------------------------

    def enqueue_req(self, conn: TConn) -> None:
        """gunicorn's one way from a connection to a thread: of a new one, a kept-alive one, and a pipelined request."""
        if self.cfg.is_ssl:
            super().enqueue_req(conn)
            return
        conn.sock.setblocking(False)
        arriving = Arriving(conn, time.monotonic() + ARRIVES)
        if conn.parser is not None:
            arriving.data += conn.parser.unreader.take_buffered()
        self.arriving[conn.sock] = arriving
        self.poller.register(conn.sock, selectors.EVENT_READ, partial(self.gather, arriving))
        # Where very many are on their way, those who take longest make room: who is quick is always served.
        if len(self.arriving) > self.worker_connections // 2:
            self.refuse(next(iter(self.arriving.values())), TOO_SLOW)
        if conn.sock in self.arriving:
            self.gather(arriving, conn.sock)

    def gather(self, arriving: Arriving, sock: socket.socket) -> None:
        if self.arriving.get(sock) is not arriving:  # it made room for another that was read in the same breath
            return
        try:
            data = sock.recv(PIECE)
        except BlockingIOError:
            data = None
        except OSError:
            data = b""
        if data == b"":
            self.forget(arriving)
            self.nr_conns -= 1
            arriving.conn.close()
            return
        arriving.data += data or b""
        head = arriving.head
        if len(arriving.data if head is None else head) > HEAD:
            self.refuse(arriving, HEAD_TOO_LARGE)
        elif head is not None and arriving.is_here(head):
            self.hand_over(arriving)
        elif head is not None and not arriving.was_asked_on and WAITS_FOR_A_WORD.search(head):
            arriving.was_asked_on = True
            with suppress(OSError):
                sock.send(b"HTTP/1.1 100 Continue\r\n\r\n")

    def hand_over(self, arriving: Arriving) -> None:
        self.forget(arriving)
        conn = arriving.conn
        with suppress(OSError):
            conn.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, ANSWER)
        conn.data_ready = True
        conn.init()
        conn.parser.unreader.unread(bytes(arriving.data))
        super().enqueue_req(conn)

    def forget(self, arriving: Arriving) -> None:
        del self.arriving[arriving.conn.sock]
        self.poller.unregister(arriving.conn.sock)

    def refuse(self, arriving: Arriving, answer: bytes) -> None:
        self.forget(arriving)
        with suppress(OSError):
            arriving.conn.sock.send(answer)
        self.linger(arriving.conn)

    # -- …and is answered ---------------------------------------------------------------------------------------------

    def _keepalive_after(self, conn: TConn, keepalive: bool) -> bool:
        """A connection with a body that nobody read ends, where gunicorn's thread would wait for the rest of it. One
        whose body was read, or is here, goes on, however late this thread comes to look: its answer has said so
        already, and the next request may be on its way."""
        if not keepalive or self.cfg.is_ssl:
            return super()._keepalive_after(conn, keepalive)
        conn.sock.setblocking(False)
        try:
            return conn.parser.finish_body(max_bytes=SMALL)
        except BlockingIOError:
            return False

    def finish_request(self, conn: TConn, fs: Future) -> None:
        if not fs.cancelled() and fs.exception() is None and fs.result() is False:
            self.linger(conn)
        else:
            super().finish_request(conn, fs)

    def linger(self, conn: TConn) -> None:
        """Close when the other side has heard us (RFC 9112, 9.6): what it still sends is let go of, by no thread."""
        try:
            conn.sock.setblocking(False)
            conn.sock.shutdown(socket.SHUT_WR)
        except OSError:
            self.nr_conns -= 1
            conn.close()
            return
        self.lingering[conn.sock] = conn, time.monotonic() + LINGERS
        self.poller.register(conn.sock, selectors.EVENT_READ, self.let_go)

    def let_go(self, sock: socket.socket) -> None:
        try:
            is_over = not sock.recv(PIECE)
        except BlockingIOError:
            return
        except OSError:
            is_over = True
        if is_over:
            self.end(sock)

    def end(self, sock: socket.socket) -> None:
        conn, _until = self.lingering.pop(sock)
        self.poller.unregister(sock)
        self.nr_conns -= 1
        conn.close()

    def murder_pending(self) -> None:
        """gunicorn asks once a second whose time is over."""
        super().murder_pending()
        now = time.monotonic()
        for arriving in [arriving for arriving in self.arriving.values() if arriving.give_up_at < now]:
            self.refuse(arriving, TOO_SLOW)
        for sock in [sock for sock, (_conn, until) in self.lingering.items() if until < now]:
            self.end(sock)


def on_request(worker: ThreadWorker, request: Any) -> None:
    """From here on a thread waits; never for longer than this at a time. A hook of gunicorn's: see gunicorn.conf.py."""
    request.unreader.sock.settimeout(STALLS)
