"""The code of another commit on the tables of this one: what visitors and staff meet between `migrate` and the restart.

    python benchmarks/growing/old_code.py REVISION [--server postgres://postgres@127.0.0.1:5432/postgres]

Migrates an empty installation with the working tree's code; then the code of REVISION books, signs in, opens every list
and form of the admin, keeps a film and asks about it, there. Exits with 1 where anything of that fails.
"""

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from installations import ROOT, database

WALK = """
from io import BytesIO
from django.contrib import admin
from django.core.files.base import ContentFile
from django.test import Client
from django.urls import reverse
from backoffice.models import User
from clinic.models import Appointment, Patient
from clinic.tests.rush import book_one, offer_places
from imaging.phantom import DIAGNOSES, render
from imaging.storing import receive
from inference.requests import ask
from PIL import Image

person = User.objects.create_superuser("admin", password="of-this-run-alone")
offer_places(10)
assert book_one(1) == 1
patient = Patient.objects.get()
patient.full_name = "Another Name"
patient.save()
drawn = BytesIO()
Image.fromarray(render(DIAGNOSES[0], 913_000, size=480)).save(drawn, "PNG")
taken = receive(ContentFile(drawn.getvalue(), name="film.png"), patient, by=person)
assert taken.xray, taken
assert len(ask([taken.xray], by=person).predictions) == 1
client = Client(HTTP_HOST="127.0.0.1", raise_request_exception=False)
login = client.post("/admin/login/", {"username": "admin", "password": "of-this-run-alone", "next": "/admin/"})
assert login.status_code == 302, login.status_code
paths = ["/book/", "/now/", "/admin/", "/healthz", f"/bookings/{Appointment.objects.get().reference}/"]
for model, its_admin in admin.site._registry.items():
    name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
    paths.append(reverse(f"{name}_changelist"))
    first = model._default_manager.first()
    if first is not None:
        paths.append(reverse(f"{name}_change", args=[first.pk]))
broken = [(path, status) for path in paths if (status := client.get(path, follow=True).status_code) >= 500]
print(f"  {len(paths)} pages opened, {len(broken)} broken {broken}")
assert not broken
"""


@contextmanager
def checked_out(revision: str) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="old-code-") as folder:
        git = ["git", "-C", str(ROOT), "worktree"]
        subprocess.run([*git, "add", "--quiet", "--detach", folder, revision], check=True)
        try:
            yield Path(folder)
        finally:
            subprocess.run([*git, "remove", "--force", folder], check=True)


def migrations(folder: Path, environment: dict[str, str]) -> set[str]:
    command = [sys.executable, "manage.py", "showmigrations", "--plan"]
    plan = subprocess.run(command, cwd=folder, env=environment, check=True, capture_output=True, text=True).stdout
    return {line[3:].strip() for line in plan.splitlines()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("revision")
    parser.add_argument("--server", help="a PostgreSQL to make a database in; without it, SQLite")
    arguments = parser.parse_args()
    with database(arguments.server) as environment, checked_out(arguments.revision) as old:
        migrate = [sys.executable, "manage.py", "migrate", "--verbosity", "0"]
        subprocess.run(migrate, cwd=ROOT, env=environment, check=True)
        newer = sorted(migrations(ROOT, environment) - migrations(old, environment))
        said = ", ".join(newer) or "none"
        print(f"Old code ({arguments.revision}) on tables with {len(newer)} newer migrations: {said}")
        walk = [sys.executable, "manage.py", "shell", "--no-imports", "-c", WALK]
        sys.exit(subprocess.run(walk, cwd=old, env=environment, check=False).returncode)


if __name__ == "__main__":
    main()
