"""A mail server that takes connections and says nothing; then one that hangs over one mail; then one that is well.

python benchmarks/faults/mail_hangs.py [--bookings 6]
"""

import argparse
import asyncio
import sys
import threading
import time
from collections import Counter

from bad_day import Clinic, book, clinic, failures, found, national_ids, said, until


class MailServer:
    """As much of SMTP as is asked for. `silent`, or silent over who is `slow`, it holds the line and never answers."""

    def __init__(self) -> None:
        self.silent, self.slow, self.port = True, "", 0
        self.delivered: Counter[str] = Counter()
        self.asked = 0
        ready = threading.Event()
        threading.Thread(target=lambda: asyncio.run(self._listen(ready)), daemon=True).start()
        ready.wait(30)

    async def _listen(self, ready: threading.Event) -> None:
        server = await asyncio.start_server(self._talk, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        ready.set()
        await asyncio.Event().wait()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.asked += 1
        if self.silent:
            await reader.read()
            return writer.close()
        writer.write(b"220 here\r\n")
        to = ""
        while line := (await reader.readline()).decode():
            verb = line[:4].upper().strip()
            if verb == "RCPT":
                to = line.partition("<")[2].partition(">")[0]
            if verb == "DATA":
                writer.write(b"354 go on\r\n")
                await reader.readuntil(b"\r\n.\r\n")
                if to == self.slow:
                    await reader.read()
                    break
                self.delivered[to] += 1
            writer.write(b"221 bye\r\n" if verb == "QUIT" else b"250 well\r\n")
            if verb == "QUIT":
                break
        writer.close()
        return None


def tries(site: Clinic) -> int:
    return site.count("SELECT count(*) FROM backoffice_mail WHERE attempts > 0")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bookings", type=int, default=6)
    n = parser.parse_args().bookings
    server, ids = MailServer(), national_ids()
    people = [next(ids) for _booking in range(n)]
    to = [f"{national_id}@example.org" for national_id in people]
    with clinic("sqlite", EMAIL_URL=f"smtp://127.0.0.1:{server.port}") as site:
        site.web()
        began = time.monotonic()
        alone = book(site.port, next(ids)) == "booked" and time.monotonic() - began
        site.cluster()
        until(lambda: server.asked)

        said("bookings do not wait for mail", f"{n} people book while the mail server takes connections and is silent")
        began, ends = time.monotonic(), [book(site.port, person) for person in people]
        each = (time.monotonic() - began) / n
        found(
            f"{ends.count('booked')} of {n} are booked, in {each:.1f} s each; the first, alone, took {alone:.1f} s",
            ends.count("booked") == n and each < 2 * alone + 1,
        )
        found(f"{server.asked} tries, and no mail is charged with one", not tries(site))

        said("one mail that hangs holds up no other", "it answers, and hangs over the first person's mail for ever")
        server.slow, server.silent = to[0], False
        others = until(lambda: set(to[1:]) <= set(server.delivered))
        found(f"{sum(server.delivered.values())} others went out", others and not server.delivered[to[0]])

        said("no mail is lost, and none sent twice", "the server is well")
        server.slow = ""
        sent = until(lambda: not site.count("SELECT count(*) FROM backoffice_mail WHERE sent_at IS NULL"))
        found(f"{len(server.delivered)} mails are there, each once", sent and set(to) <= set(server.delivered))
        found(f"the most that one was sent is {max(server.delivered.values())}", max(server.delivered.values()) == 1)
    sys.exit(bool(failures))


if __name__ == "__main__":
    main()
