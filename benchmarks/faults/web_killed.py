"""gunicorn is killed by -9, master and workers, while it takes a booking, a film or a table; then it is started anew.

    python benchmarks/faults/web_killed.py [--rounds 4] [--database postgres]

Each of the three is cut off so many times, each time at another moment, and is then done once more.
"""

import argparse
import base64
import hashlib
import http.client
import itertools
import random
import struct
import sys
import threading
import time
import zlib
from collections.abc import Callable
from contextlib import suppress

from bad_day import Clinic, Somebody, book, clinic, failures, found, national_ids, said, until

ROWS = 400
PATIENTS = "/admin/clinic/patient/"
Sending = tuple[str, list[tuple[str, str, bytes]]]
FILM = """
import base64
from imaging.demo import png
from imaging.phantom import DIAGNOSES, render
print(base64.b64encode(png(render(DIAGNOSES[0], 913_000, size=600))).decode())
"""
HEAD = 33  # bytes of a PNG before its second chunk
AT_WORK = "SELECT count(*) FROM backoffice_tableimport WHERE status IN ('to_check', 'checking', 'to_write', 'writing')"


class Deeds:
    """What is cut off, by the number of the round, and how much of it is there; done whole it is `whole`."""

    def __init__(self, site: Clinic) -> None:
        self.site, self.ids = site, list(itertools.islice(national_ids(), 1000))
        self.picture = base64.b64decode(site.shell(FILM))

    def booking(self, number: int) -> None:
        book(self.site.port, self.ids[number])

    def bookings(self, number: int) -> int:
        return int(self.ids[number] in self.site.booked())

    def film(self, number: int) -> None:
        Somebody(self.site.port).signed_in().send(*self.film_of(number), patient="1")

    def film_of(self, number: int) -> Sending:
        return "/admin/imaging/xrayimage/add/", [("files", "film.png", self.file_of(number))]

    def file_of(self, number: int) -> bytes:
        """One picture, of which each file is another: a comment in it says its number."""
        comment = b"tEXtComment\0" + str(number).encode()
        chunk = struct.pack(">I", len(comment) - 4) + comment + struct.pack(">I", zlib.crc32(comment))
        return self.picture[:HEAD] + chunk + self.picture[HEAD:]

    def films_there(self, number: int) -> int:
        sha256 = hashlib.sha256(self.file_of(number)).hexdigest()
        return self.site.count(f"SELECT count(*) FROM imaging_xrayimage WHERE sha256 = '{sha256}'")  # noqa: S608

    def table(self, number: int) -> None:
        visitor = Somebody(self.site.port).signed_in()
        visitor.send(*self.table_of(number))
        visitor.post(f"{PATIENTS}process_import/", {"decision": "all"})

    def table_of(self, number: int) -> Sending:
        rows = "".join(f"Row {number} {row},1980-01-01,female\n" for row in range(ROWS))
        return f"{PATIENTS}import/", [("file", "patients.csv", f"full_name,date_of_birth,sex\n{rows}".encode())]

    def rows_there(self, number: int) -> int:
        until(lambda: not self.site.count(AT_WORK))  # what was confirmed is written by a worker
        return self.site.count(f"SELECT count(*) FROM clinic_patient WHERE full_name LIKE 'Row {number} %'")  # noqa: S608


def cut_off(deed: Callable[[int], None], number: int) -> None:
    with suppress(OSError, http.client.HTTPException, KeyError, AssertionError):
        deed(number)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--database", choices=["sqlite", "postgres"], default="sqlite")
    options = parser.parse_args()
    with clinic(options.database, IMPORT_LEASE_SECONDS="5") as site:
        deeds, web = Deeds(site), site.web()
        site.cluster()
        for what, deed, there, whole in (
            ("a booking", deeds.booking, deeds.bookings, 1),
            ("a film's upload", deeds.film, deeds.films_there, 1),
            (f"a table of {ROWS} rows", deeds.table, deeds.rows_there, ROWS),
        ):
            said(
                "nothing is half there, and a second try works and doubles nothing",
                f"gunicorn killed {options.rounds} times at any moment of {what}",
            )
            began = time.monotonic()
            deed(options.rounds)
            takes = time.monotonic() - began
            found(f"left alone, {what} takes {takes:.1f} s", there(options.rounds) == whole)
            after, again = [], []
            for number in range(options.rounds):
                doing = threading.Thread(target=cut_off, args=(deed, number))
                doing.start()
                time.sleep(random.uniform(0.1, 1) * takes)
                site.kill(web)
                doing.join()
                web = site.web()
                after.append(there(number))
                if not after[-1]:
                    deed(number)
                again.append(there(number))
            found(f"after the kill there were {after}", set(after) <= {0, whole})
            found(f"after a second try {again}", set(again) == {whole})
            found("all agrees with itself", site.is_whole())
    sys.exit(bool(failures))


if __name__ == "__main__":
    main()
