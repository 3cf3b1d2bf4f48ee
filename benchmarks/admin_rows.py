"""Fills an empty clinic with patients and visits that look real to a planner: names that repeat, days that are past or
to come, statuses that go with the day, a few hidden rows."""

import datetime
from itertools import product

from django.db import connection
from django.utils import timezone
from filling import insert, unchecked_foreign_keys

from backoffice.records.relations import field_of
from clinic.models import Appointment, ClinicSession, Patient, Period

VISITS_PER_SESSION = 40
DAYS_AHEAD = 14

SURNAMES = "陳林黃張李王吳劉蔡楊許鄭謝洪郭邱曾廖賴徐周葉蘇莊呂江何蕭羅高"
GIVEN = "怡君淑芬美玲雅婷志明俊傑建宏家豪冠宇承恩品妍詠晴宥廷子涵柏翰欣怡"
FAMILY_NAMES = ["Chen", "Lin", "Huang", "Chang", "Lee", "Wang", "Wu", "Liu", "Tsai", "Yang", "Smith", "Garcia", "Sato"]
FIRST_NAMES = ["Mei", "Kai", "Anna", "Grace", "Ivan", "Noor", "Olga", "Peter", "Rosa", "Yuki", "Zoe", "Liam", "Nina"]
RARE = "林歐陽"  # what three people in a million are called

PHONE = "'09' || substr('00000000' || (i * 7919 % 100000000), -8)"
PHONE_POSTGRES = "'09' || lpad((i * 7919 % 100000000)::text, 8, '0')"


def fill(rows: int, days_ahead: int = DAYS_AHEAD) -> None:
    """Add `rows` patients and `rows` appointments up to that day, one in two hundred of each hidden."""
    _write_names()
    _write_ids(rows)
    _write_sessions(rows, days_ahead)
    insert(
        Patient,
        rows,
        join="JOIN bench_names b ON b.i = n.i * 7919 % (SELECT count(*) FROM bench_names) "
        "JOIN bench_ids d ON d.i = n.i",
        id="n.i",
        full_name=f"CASE WHEN n.i % 333333 = 7 THEN '{RARE}' ELSE b.name END",
        date_of_birth=_days_after("1930-01-01", "n.i * 31 % 33000"),
        sex="CASE n.i % 50 WHEN 0 THEN 'other' ELSE CASE n.i % 2 WHEN 0 THEN 'female' ELSE 'male' END END",
        national_id="d.cell",
        phone=(PHONE_POSTGRES if _is_postgres() else PHONE).replace("i *", "n.i *"),
        email="CASE n.i % 3 WHEN 0 THEN '' ELSE 'patient' || n.i || '@example.org' END",
        hidden_at=_one_in_two_hundred(),
        hide_reason="''",
    )
    with unchecked_foreign_keys():
        insert(
            Appointment,
            rows,
            join=f"JOIN clinic_clinicsession s ON s.id = 1 + (n.i - 1) / {VISITS_PER_SESSION}",
            id="n.i",
            patient_id=f"1 + n.i * 7907 % {rows}",
            session_id="s.id",
            queue_number=f"1 + (n.i - 1) % {VISITS_PER_SESSION}",
            status=_status(),
            source="CASE n.i % 3 WHEN 0 THEN 'staff' ELSE 'public' END",
            reference="'benchmark-reference-' || n.i",
            identity_conflict=f"n.i % 997 = 0 AND s.date > '{timezone.localdate() - datetime.timedelta(days=60)}'",
            hidden_at=_one_in_two_hundred(),
            hide_reason="''",
        )


def _is_postgres() -> bool:
    return connection.vendor == "postgresql"


def _days_after(first: str, days: str) -> str:
    return f"DATE '{first}' + ({days})::int" if _is_postgres() else f"date('{first}', '+' || ({days}) || ' days')"


def _one_in_two_hundred() -> str:
    return "CASE WHEN n.i % 200 = 3 THEN CURRENT_TIMESTAMP END"


def _status() -> str:
    today = f"'{timezone.localdate()}'"
    past = "CASE WHEN n.i % 14 = 0 THEN 'cancelled' WHEN n.i % 19 = 0 THEN 'no_show' ELSE 'done' END"
    now = "CASE n.i % 5 WHEN 0 THEN 'called' WHEN 1 THEN 'checked_in' WHEN 2 THEN 'done' ELSE 'booked' END"
    ahead = "CASE WHEN n.i % 14 = 0 THEN 'cancelled' ELSE 'booked' END"
    return f"CASE WHEN s.date < {today} THEN {past} WHEN s.date = {today} THEN {now} ELSE {ahead} END"


def names() -> list[str]:
    """The same name may stand there twice: some are more usual than others."""
    chinese = [surname + a + b for surname, a, b in product(SURNAMES, GIVEN, GIVEN[:12])]
    short = [surname + a for surname, a in product(SURNAMES, GIVEN)]
    western = [f"{first} {family}" for first, family in product(FIRST_NAMES, FAMILY_NAMES)]
    return chinese + short * 2 + western * 30


def _write_names() -> None:
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE bench_names (i integer PRIMARY KEY, name varchar(40))")
        cursor.executemany("INSERT INTO bench_names VALUES (%s, %s)", list(enumerate(names())))


def _write_ids(rows: int) -> None:
    """Sealed as they are kept: one patient in twenty has none."""
    seal = field_of(Patient, "national_id").get_prep_value
    numbered = [(i, seal(f"A{1_000_000_000 + i}" if i % 20 else "")) for i in range(1, rows + 1)]
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE bench_ids (i integer PRIMARY KEY, cell text)")
        cursor.executemany("INSERT INTO bench_ids VALUES (%s, %s)", numbered)


def _write_sessions(rows: int, days_ahead: int) -> None:
    many = rows // VISITS_PER_SESSION + 1
    last = timezone.localdate() + datetime.timedelta(days=days_ahead)
    opens = {Period.MORNING: 9, Period.AFTERNOON: 14, Period.EVENING: 18}
    ClinicSession.objects.bulk_create(
        (
            ClinicSession(
                id=number + 1,
                date=last - datetime.timedelta(days=(many - 1 - number) // len(Period)),
                period=period,
                opens_at=datetime.time(opens[period]),
                closes_at=datetime.time(opens[period] + 3),
                capacity=VISITS_PER_SESSION,
                booked=VISITS_PER_SESSION,
            )
            for number in range(many)
            for period in [Period(Period.values[-1 - (many - 1 - number) % len(Period)])]
        ),
        batch_size=2000,
    )
