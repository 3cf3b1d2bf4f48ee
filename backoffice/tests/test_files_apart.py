"""A file is read apart: whatever it does to its child, the process that asked goes on, and knows why."""

import io
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import closing, suppress

import pytest
from django.utils import translation

from backoffice.files import apart, places
from backoffice.files.apart import Undone, Why
from backoffice.tests.installations import ROOT, Installation


@pytest.fixture(autouse=True)
def _places_of_this_test(settings, tmp_path):
    settings.DATA_DIR = tmp_path


def ask(task: str, data: bytes = b"a file", **options):
    return apart.values(f"backoffice.tests.apart_tasks:{task}", io.BytesIO(data), kind="test", **options)


def why_not(task: str, **options) -> Why:
    with pytest.raises(Undone) as undone:
        list(ask(task, **options))
    return undone.value.why


def is_alive(pid: int) -> bool:
    with suppress(OSError), open(f"/proc/{pid}/stat") as stat:
        return stat.read().rpartition(")")[2].split()[0] != "Z"
    return False


def is_gone_soon(pid: int) -> bool:
    until = time.monotonic() + 10
    while is_alive(pid) and time.monotonic() < until:
        time.sleep(0.01)
    return not is_alive(pid)


def test_what_a_child_says_comes_back_as_it_says_it():
    assert list(ask("echo", "王小明\n".encode(), times=3)) == ["王小明\n"] * 3


def test_a_file_of_the_systems_is_read_from_its_beginning_and_keeps_its_position(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"from the beginning")
    with path.open("rb") as file:
        file.read(5)
        (read,) = apart.values("backoffice.tests.apart_tasks:echo", file, kind="test")
        assert (read, file.read()) == ("from the beginning", b"the beginning")


def test_what_a_child_writes_is_in_the_file_when_it_says_so():
    with tempfile.TemporaryFile(buffering=0) as target, closing(ask("write", b"pixels", into=[target])) as answers:
        assert next(answers) == "written"
        assert os.pread(target.fileno(), 100, 0) == b"pixels"


@pytest.mark.parametrize(
    ("task", "options", "why"),
    [
        ("take_memory", {"megabytes": 700}, Why.MEMORY),
        ("spin", {"seconds": 1}, Why.TIME),
        ("crash", {}, Why.CRASHED),
        ("die", {"of": signal.SIGABRT}, Why.CRASHED),
        ("die", {"of": signal.SIGKILL}, Why.MEMORY),  # the system's own killer
        ("raise_with_a_name_in_it", {}, Why.FAILED),
        ("half_a_line", {}, Why.CRASHED),
        ("say_very_much", {}, Why.FAILED),
        ("ask_the_database", {}, Why.FAILED),
        ("open_many", {}, Why.FAILED),
        ("there_is_no_such_task", {}, Why.FAILED),
    ],
)
def test_each_end_has_its_own_reason(task, options, why):
    assert why_not(task, **options) == why
    assert list(ask("echo")) == ["a file"]


def test_a_child_takes_what_is_within_its_limits():
    assert list(ask("take_memory", megabytes=450)) == [450 * 1024**2]


def test_a_child_that_fills_the_disk_is_stopped(monkeypatch):
    monkeypatch.setattr(apart, "LARGEST_OUTPUT", 4 << 20)
    with tempfile.TemporaryFile(buffering=0) as target:
        assert why_not("fill_the_disk", into=[target]) == Why.SPACE
        assert os.fstat(target.fileno()).st_size <= 4 << 20


def test_a_disk_that_is_full_already_is_not_the_files_fault():
    with open("/dev/full", "wb", buffering=0) as target, pytest.raises(Undone, match="no room left on the disk") as end:
        list(ask("write", into=[target]))
    assert not end.value.is_the_files_own


def test_a_child_that_sleeps_is_not_waited_for(monkeypatch):
    monkeypatch.setattr(apart, "WAITING_PER_SECOND", 0.2)
    assert why_not("tell_its_pid_and_wait", seconds=1) == Why.TIME


def test_a_child_has_no_key_no_database_and_no_environment_of_ours(monkeypatch):
    monkeypatch.setenv("DATABASE_URL", "postgres://clinic:secret@db/clinic")
    monkeypatch.setattr(apart, "nurse", apart.Nurse())
    (has,) = ask("what_it_has")
    assert not {name for name in has["environment"] if "DJANGO" in name or "DATABASE" in name or "REDIS" in name}
    assert "PICTURE_MAX_PIXELS" in has["settings"]
    assert not {"SECRET_KEY", "EMAIL_HOST_PASSWORD", "CACHES"} & set(has["settings"])
    assert "secret" not in str(has)
    assert len(has["open"]) == 4  # errors, answers, the place and the file


def test_the_log_says_what_ended_it_and_none_of_its_words(caplog):
    why_not("raise_with_a_name_in_it")
    assert "BufferError at" in caplog.text
    assert "Chen" not in caplog.text


def test_what_libraries_say_of_a_file_reaches_no_log(capfd, monkeypatch):
    monkeypatch.setattr(apart, "nurse", apart.Nurse())  # one that writes where this test looks
    assert list(ask("warn_with_a_name_in_it")) == ["warned"]
    assert "Chen" not in "".join(capfd.readouterr())


def test_whoever_listens_no_more_ends_the_child():
    with closing(ask("spin")) as answers:
        pid = next(answers)
        assert is_alive(pid)
    assert is_gone_soon(pid)


def test_a_child_speaks_the_language_of_whoever_asked():
    with translation.override("zh-hant"):
        assert list(ask("in_words")) == [str(translation.gettext("Patient"))]


def test_a_nursery_that_died_is_started_anew(monkeypatch):
    monkeypatch.setattr(apart, "nurse", apart.Nurse())
    with closing(ask("spin")) as answers:
        child = next(answers)
        apart.nurse._process.kill()
        apart.nurse._process.wait()
        assert is_gone_soon(child)
    assert list(ask("echo")) == ["a file"]


def test_many_threads_ask_at_once(settings):
    settings.FILES_AT_ONCE = 3
    said = []
    threads = [threading.Thread(target=lambda n=n: said.extend(ask("echo", str(n).encode()))) for n in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(said, key=int) == [str(n) for n in range(12)]


def test_a_forked_process_has_children_of_its_own():
    list(ask("echo"))
    read, write = os.pipe()
    if not (pid := os.fork()):
        with suppress(BaseException):
            os.write(write, next(ask("echo", b"the fork's")).encode())
        os._exit(0)
    os.close(write)
    assert list(ask("echo", b"the parent's")) == ["the parent's"]
    with open(read, "rb") as said:
        assert said.read() == b"the fork's"
    os.waitpid(pid, 0)


def test_one_file_too_many_waits_and_then_is_told(settings, monkeypatch):
    settings.FILES_AT_ONCE = 1
    monkeypatch.setattr(places, "LONGEST_WAIT", 0.1)
    with closing(ask("spin")) as answers:
        next(answers)
        assert why_not("echo") == Why.BUSY
        assert list(apart.values("backoffice.tests.apart_tasks:echo", io.BytesIO(b"a"), kind="another")) == ["a"]
    monkeypatch.setattr(places, "LONGEST_WAIT", 30)
    assert list(ask("echo")) == ["a file"]


def test_most_threads_of_a_process_are_left_to_others_whatever_place_there_is(settings, monkeypatch):
    settings.FILES_AT_ONCE = 9
    monkeypatch.setattr(places, "SHORT_WAIT", 0.05)
    with closing(ask("spin")) as first, closing(ask("spin")) as second:
        next(first), next(second)
        assert why_not("echo") == Why.BUSY
    assert list(ask("echo")) == ["a file"]


def test_there_are_as_many_places_as_memory_allows(settings, monkeypatch):
    monkeypatch.setattr(os, "cpu_count", lambda: 8)
    for gigabytes, number in [(1, 1), (4, 1), (8, 3), (64, 8)]:
        monkeypatch.setattr(places, "all_memory", lambda size=gigabytes * 1024**3: size)
        assert places.how_many(570 * 1024**2) == number
    settings.FILES_AT_ONCE = 5
    assert places.how_many(570 * 1024**2) == 5


ASKS_AND_WAITS = """
import io
from backoffice.files import apart
for pid in apart.values("backoffice.tests.apart_tasks:spin", io.BytesIO(), kind="test", seconds=60):
    print(pid, apart.nurse._process.pid, flush=True)
"""


def test_with_the_process_that_asked_its_children_go_too(tmp_path):
    process = subprocess.Popen(
        [sys.executable, ROOT / "manage.py", "shell", "--no-imports", "-c", ASKS_AND_WAITS],
        env=Installation(tmp_path).environment,
        cwd=ROOT,
        stdout=subprocess.PIPE,
    )
    with process:
        pids = [int(pid) for pid in process.stdout.readline().split()]
        assert all(map(is_alive, pids))
        process.kill()
    assert all(map(is_gone_soon, pids))
