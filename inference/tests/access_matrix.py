"""The matrix of who reaches what: how it is read, asked anew, and written.

`access_matrix.txt` is the matrix, for people to read and to change. When addresses or permissions change, write it anew
and look at the difference before it is committed:

    WRITE_ACCESS_MATRIX=1 pytest inference/tests/test_access_matrix.py -k role
"""

from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path

from django.contrib import admin
from django.contrib.contenttypes.models import ContentType
from django.db import connection, transaction
from django.test import Client, RequestFactory
from django.urls import get_resolver
from django.urls.resolvers import URLResolver
from django.utils.http import urlencode

from backoffice.live.blocks import blocks
from backoffice.models import AccessEvent

TRAIL = AccessEvent._meta.db_table
FILE = Path(__file__).with_name("access_matrix.txt")
COLUMNS = ["Administrators", "Front desk", "Clinicians", "no role"]
ROOT = "admin/"
HEAD = """\
# Who reaches what in the admin: each address by GET and POST, and each action of a list.
#
#   yes   shown (a POST here is empty, so mostly: shown again with what is missing)     on    led on to another page
#   no    refused, and nothing has changed     404   not there, or not there for them     405   not by this method
#
# Who is not signed in, does not work here, or owes a second factor is led to sign in from every one of these, bar
# signing in and out. How to write this file anew is said in access_matrix.py.

"""

WORDS = {200: "yes", 204: "yes", 286: "yes", 422: "yes", 302: "on", 403: "no", 404: "404", 405: "405"}


def addresses(patterns=None, prefix: str = "") -> Iterator[str]:
    """Every address of the admin as its pattern, such as `admin/clinic/patient/<path:object_id>/change/`."""
    for pattern in get_resolver().url_patterns if patterns is None else patterns:
        path = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from addresses(pattern.url_patterns, path)
        elif path.startswith(ROOT):
            yield from one_for_each_choice(path)


def one_for_each_choice(path: str) -> list[str]:
    """Addresses whose answer hangs on a name in them: each block of the first page, each field that offers choices."""
    if "<slug:name>" in path:
        return [path.replace("<slug:name>", name) for name in blocks.all()]
    if path == f"{ROOT}autocomplete/":
        return [path, *(f"{path}?{urlencode(field)}" for field in fields_with_choices())]
    return [path]


def fields_with_choices() -> list[dict[str, str]]:
    return [
        {"app_label": model._meta.app_label, "model_name": model._meta.model_name, "field_name": name, "term": ""}
        for model, model_admin in admin.site._registry.items()
        for name in model_admin.autocomplete_fields
    ]


def readable(path: str) -> str:
    """`^([^/]+)/history/([^/]+)/$` is no sight for a table."""
    for ugly, plain in {
        "^([^/]+)/history/([^/]+)/$": "<id>/history/<version>/",
        "^(?P<app_label>backoffice|django_q|clinic|inference|imaging)/$": "<app>/",
        "(?P<url>.*)$": "<anything else>",
        "<path:object_id>": "<id>",
        "<int:pk>": "<id>",
        "<path:content_type_id>": "<kind>",
        "<str:suffix>": "<format>",
        "app_label=": "",
        "&model_name=": ".",
        "&field_name=": ".",
        "&term=": "",
    }.items():
        path = path.replace(ugly, plain)
    return path.removeprefix(ROOT) or "(first page)"


def filled_in(path: str, rows: dict[str, object]) -> str:
    """The address with a real row in each hole. `rows` holds one of each model, by label, such as clinic.patient."""
    parts = path.removeprefix(ROOT).split("/")
    model = ".".join(parts[:2])
    row = rows.get(model)
    if model == "inference.worklist":
        row = rows["inference.prediction"]
    if "/import/<int:pk>/" in path:
        row = rows[f"import into {model}"]
    row = {"heatmap": rows["inference.modelresult"], "merge": rows["clinic.patientmerge"]}.get(
        parts[2] if len(parts) > 3 else "", row
    )
    version = row.history.first().pk if "history/([" in path and hasattr(row, "history") else 0
    fillings = {
        "^([^/]+)/history/([^/]+)/$": f"{row and row.pk}/history/{version}/",
        "^(?P<app_label>backoffice|django_q|clinic|inference|imaging)/$": "clinic/",
        "(?P<url>.*)$": "nothing/here/",
        "<path:content_type_id>": str(ContentType.objects.get_for_model(rows["clinic.patient"]).pk),
        "<str:suffix>": "csv",
    }
    for hole, filling in fillings.items():
        path = path.replace(hole, filling)
    for hole in ("<int:pk>", "<path:object_id>", "<id>"):
        path = path.replace(hole, str(row.pk if row else rows["clinic.patient"].pk))
    return f"/{path}"


# -- Asking -----------------------------------------------------------------------------------------------------------


def contents() -> dict[str, list]:
    """Everything in the database, but for what a visit alone may write."""
    tables = [name for name in connection.introspection.table_names() if name not in ("django_session", "cache")]
    with connection.cursor() as cursor:
        return {
            table: cursor.execute(f'SELECT * FROM "{table}"').fetchall()  # noqa: S608  (our own tables' names)
            for table in tables
        }


def rows_written() -> int:
    """How many rows this connection has written so far, in whatever table."""
    with connection.cursor() as cursor:
        return cursor.execute("SELECT total_changes()").fetchone()[0]


class Visit:
    """Somebody's requests, each taken back: what one does, the next does not see."""

    def __init__(self, person=None):
        self.person = person
        self.client = Client()
        if person:
            self.client.force_login(person)
        self.cookies = self.client.cookies.copy()
        self.before = contents()

    def ask(self, method: str, url: str, data: dict | None = None):
        """(the answer, whether anything has changed)"""
        self.client.cookies = self.cookies.copy()
        written = rows_written()
        with transaction.atomic():
            response = self.client.generic(method, url) if data is None else self.client.post(url, data)
            # Reading everything takes longer than most answers do.
            changed = rows_written() != written and self.has_changed(response)
            transaction.set_rollback(True)
        return response, changed

    def has_changed(self, response) -> bool:
        now = contents()
        if response.status_code == HTTPStatus.OK:
            now[TRAIL] = self.before[TRAIL]  # what is shown may be noted, what is refused is not
        return now != self.before


def leads_to_sign_in(response) -> bool:
    return response.status_code == 302 and response["Location"].startswith("/admin/login/")


def outcome(visit: Visit, method: str, url: str) -> str:
    """One cell of the table."""
    response, changed = visit.ask(method, url)
    word = "sign in" if leads_to_sign_in(response) else WORDS[response.status_code]
    assert word in ("yes", "on") or not changed, f"{method} {url} is answered “{word}” and yet changes something"
    return word


def row_of(visit: Visit, path: str, rows: dict) -> tuple[str, str]:
    url = filled_in(path, rows)
    return readable(path), f"{outcome(visit, 'GET', url):<4} {outcome(visit, 'POST', url)}"


def action_rows(visit: Visit, rows: dict) -> Iterator[tuple[str, str]]:
    """Each action of each list: whether it is offered, and that one which is not offered does nothing."""
    request = RequestFactory().get("/admin/")
    request.user = visit.person
    for model, model_admin in admin.site._registry.items():
        names = [name for _function, name, _title in model_admin._get_base_actions()]
        offered = model_admin.get_actions(request) if model_admin.has_view_permission(request) else {}
        for name in names:
            label = model._meta.label_lower
            if name not in offered:
                data = {"action": name, "_selected_action": rows[label].pk}
                url = f"/admin/{label.replace('.', '/')}/"
                _response, changed = visit.ask("POST", url, data)
                assert not changed, f"the action {name} of {label} changes something for {visit.person}"
            yield f"{label.replace('.', '/')}/ action {name}", "yes" if name in offered else "no"


# -- The file ---------------------------------------------------------------------------------------------------------


def written(table: dict[str, dict[str, str]]) -> str:
    """`table[row][column]` as text, in the rows' order."""
    width = max(map(len, table)) + 2
    lines = [" " * width + "".join(f"{column:<16}" for column in COLUMNS).rstrip()]
    group = None
    for row in sorted(table):
        if row.split("/")[:2] != group:
            group = row.split("/")[:2]
            lines.append("")
        cells = "".join(f"{table[row].get(column, '?'):<16}" for column in COLUMNS)
        lines.append(f"{row:<{width}}{cells}".rstrip())
    return HEAD + "\n".join(lines) + "\n"


def read() -> dict[str, dict[str, str]]:
    """`{row: {column: what they get}}`; columns stand where their titles do."""
    if not FILE.exists():
        return {}
    lines = [line for line in FILE.read_text().splitlines() if line and not line.startswith("#")]
    starts = [lines[0].index(column) for column in COLUMNS]
    edges = [*starts, None]
    return {
        line[: starts[0]].strip(): {
            column: line[edges[number] : edges[number + 1]].strip() for number, column in enumerate(COLUMNS)
        }
        for line in lines[1:]
    }
