from pathlib import Path
from typing import Any

import psycopg
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection, connections
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from tqdm import tqdm

from backoffice.moving import source, target
from backoffice.moving.move import Move
from backoffice.moving.refusals import MoveRefusedError


class Command(BaseCommand):
    help = (
        "Moves this installation from its SQLite file into an empty PostgreSQL database in which `migrate` has run. "
        "Stop web and workers first. Can be stopped and run again; every table is compared at the end. The SQLite file "
        "is only read."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("url", metavar="URL", help="Such as postgres://user@host:5432/collimator.")
        parser.add_argument("--anew", action="store_true", help="Empty what a move that was begun has brought there.")

    def handle(self, *, url: str, anew: bool, **options: Any) -> None:
        if connection.vendor != "sqlite":
            raise CommandError(_("This installation is on PostgreSQL already: unset DATABASE_URL to move from SQLite."))
        path = Path(settings.DATABASES["default"]["NAME"])
        connections.close_all()  # our own would be somebody who has it open
        try:
            with source.held(path) as here, target.opened(url) as there:
                self.move(Move(here, there, str(path)), anew=anew)
        except MoveRefusedError as refused:
            raise CommandError(str(refused)) from None
        except psycopg.Error as error:
            # Its first line names tables and constraints; the others would quote rows.
            told = _("PostgreSQL says: %(why)s. What was copied stays there: mend it, and run this again.")
            raise CommandError(told % {"why": error.diag.message_primary or type(error).__name__}) from None
        self.tell_what_to_set(path)

    def move(self, move: Move, *, anew: bool) -> None:
        move.look_at_the_target(anew=anew)
        rows = move.count()
        with self.bar(_("looking"), rows) as bar:
            move.look_at_the_rows(bar.update)
        if not move.begin(anew=anew):
            self.stdout.write(_("A move was begun here before: it goes on."))
        with self.bar(_("copying"), rows) as bar:
            move.copy(bar.update)
        with self.bar(_("comparing"), rows) as bar:
            move.compare(bar.update)
        move.end()
        told = ngettext(
            "%(n)d row in %(tables)d tables moved, and compared: the same.",
            "%(n)d rows in %(tables)d tables moved, and compared: the same.",
            rows,
        )
        self.stdout.write(told % {"n": rows, "tables": len(move.tables)})

    def bar(self, what: str, rows: int) -> tqdm:
        return tqdm(total=rows, desc=what, unit_scale=True, disable=None, file=self.stderr)

    def tell_what_to_set(self, path: Path) -> None:
        self.stdout.write(_("Now set DATABASE_URL to that address, for web and workers, and start them."))
        key = settings.DATA_DIR / "secret_key"
        if key.exists() and key.read_text() == settings.SECRET_KEY:
            told = _(
                "Set DJANGO_SECRET_KEY to what stands in %(key)s: sessions, links and DICOM identifiers come from it."
            )
            self.stdout.write(told % {"key": key})
        self.stdout.write(_("Private files stay where they are. Keep %(path)s until you are sure.") % {"path": path})
