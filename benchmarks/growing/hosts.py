"""Other hosts on this machine: network namespaces, each with a data folder of its own and a cable that can be pulled.

Needs root, iproute2, and PostgreSQL, Redis and a store at 127.0.0.1, which each host reaches at its cable's other end.
"""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True)  # noqa: S607  (wherever it is installed)


class Host:
    def __init__(self, number: int, folder: Path, ports: list[int], environment: Mapping[str, str]) -> None:
        """`environment` names services at 127.0.0.1; `ports` are theirs."""
        self.name, self.cable = f"clinic{number}", f"clinic-cable{number}"
        self.gateway = f"10.213.{number}.1"
        self.core = str(number % (os.cpu_count() or 1))
        self.data_dir = folder / self.name
        self.data_dir.mkdir()
        self.environment = {name: value.replace("127.0.0.1", self.gateway) for name, value in environment.items()} | {
            "DATA_DIR": str(self.data_dir),
            "OMP_NUM_THREADS": "1",
        }
        self.processes: list[subprocess.Popen] = []
        ip("netns", "add", self.name)
        ip("link", "add", self.cable, "type", "veth", "peer", "name", "eth0", "netns", self.name)
        ip("addr", "add", f"{self.gateway}/24", "dev", self.cable)
        ip("link", "set", self.cable, "up")
        for command in (["addr", "add", f"10.213.{number}.2/24", "dev", "eth0"], ["link", "set", "eth0", "up"]):
            ip("-n", self.name, *command)
        ip("-n", self.name, "link", "set", "lo", "up")
        forward(self.gateway, ports)

    def start(self, *arguments: str, **environment: str) -> subprocess.Popen:
        """`manage.py` there, on a core of its own."""
        command = ["ip", "netns", "exec", self.name, "taskset", "--cpu-list", self.core, sys.executable, "manage.py"]
        with (self.data_dir / "log").open("ab") as log:
            process = subprocess.Popen(
                [*command, *arguments],
                cwd=ROOT,
                env=self.environment | environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.processes.append(process)
        return process

    def pull(self) -> None:
        """Nothing comes through any more, and nobody says so."""
        ip("link", "set", self.cable, "down")

    def plug_in(self) -> None:
        ip("link", "set", self.cable, "up")

    def log(self) -> str:
        return (self.data_dir / "log").read_text(errors="replace")

    def close(self) -> None:
        for process in self.processes:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        ip("netns", "del", self.name)  # and the cable with it


def forward(address: str, ports: list[int]) -> None:
    """From that address to the same ports of 127.0.0.1, in a thread, to the end of this process."""

    async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError), closing(writer):
            while data := await reader.read(1 << 16):
                writer.write(data)
                await writer.drain()

    async def listen() -> None:
        for port in ports:

            async def join(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, port: int = port) -> None:
                there, back = await asyncio.open_connection("127.0.0.1", port)
                await asyncio.gather(pass_on(reader, back), pass_on(there, writer))

            await asyncio.start_server(join, address, port)
        ready.set()
        await asyncio.Event().wait()

    ready = threading.Event()
    threading.Thread(target=asyncio.run, args=(listen(),), daemon=True).start()
    ready.wait(30)


@contextmanager
def store() -> Iterator[str]:
    """host:port of a store that speaks S3, with a bucket `films`."""
    import boto3  # type: ignore[import-untyped]

    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "moto.server", "--host", "127.0.0.1", "--port", str(port)]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        while True:
            with suppress(OSError), socket.create_connection(("127.0.0.1", port)):
                break
        keys = {"aws_access_key_id": "key", "aws_secret_access_key": "secret", "region_name": "us-east-1"}
        boto3.client("s3", endpoint_url=f"http://127.0.0.1:{port}", **keys).create_bucket(Bucket="films")
        yield f"127.0.0.1:{port}"
    finally:
        server.kill()
        server.wait()
