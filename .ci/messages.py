"""Renews and compiles the catalogues of Traditional Chinese, or checks (`--check`) that they are whole.

Whole means: every string of the code is there, each is translated with the placeholders of the English one and in the
same words everywhere, those of docs/glossary.md, none is fuzzy, and what is compiled is what is written. What is said
in Chinese, but not in Taiwan, and half-width signs are found too. Reading the code needs GNU gettext (Debian: gettext);
without it that part of the check is left out, and said, unless CI is set. Prints what is wrong, and exits with 1 where
anything is.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections import defaultdict
from pathlib import Path

import polib

ROOT = Path(__file__).resolve().parent.parent
LOCALE = "zh_Hant"
READ = {".py", ".html", ".txt", ".js", ".po"}
NOT_OURS = ("tests", "benchmarks", "conftest.py", ".venv", "var")
PLACEHOLDER = re.compile(r"%(?:\(\w+\))?[sdrf]|\{\w*\}")
GLOSSARY = re.compile(r"^\| (.+?) \| (.+?) \| .+ \|$", re.MULTILINE)
# What these things are called elsewhere; here they are 軟體, 資訊, 預設, 使用者, 連結, 品質 …
NOT_SAID_HERE = re.compile(
    "軟件|硬件|信息|默認|缺省|用戶|賬戶|鏈接|質量|網絡|數據庫|視頻|服務器|文件夾|打印|登錄名|郵箱|菜單|界面|刷新|"
    "激活|緩存|粘貼|屏幕|鼠標|字符串|搜索|文檔|保存|數據|添加|創建|點擊|單擊|運行|加載|導入|導出|當前|登陸|卸載|反饋|"
    "在線|離線|窗口|圖標|內存|硬盤|短信|文本|支持|打開|列表"
)
# What is said there alone says 您: who works here is 你.
TO_PATIENTS = re.compile(r"^(inference/reports/|inference/templates/inference/(reports|mail)/)")
HALF_WIDTH = re.compile("[\u3400-\u9fff）」] ?[,;:!?]|[,;!?] ?[\u3400-\u9fff]|[，。：；！？、] |[“”]")
NO_BLANK = re.compile("[\u3400-\u9fff][A-Za-z0-9]|[A-Za-z0-9][\u3400-\u9fff]")
HEADER = {
    "Language": LOCALE,
    "MIME-Version": "1.0",
    "Content-Type": "text/plain; charset=UTF-8",
    "Content-Transfer-Encoding": "8bit",
    "Plural-Forms": "nplurals=1; plural=0;",
}


def catalogues(root: Path) -> list[Path]:
    return sorted(path for path in root.glob(f"**/{LOCALE}/LC_MESSAGES/*.po") if ".venv" not in path.parts)


def read(path: Path) -> polib.POFile:
    return polib.pofile(str(path), wrapwidth=0)


def extract(root: Path) -> None:
    """Read the code under `root` into its catalogues; what they say already stays."""
    ignored = [f"--ignore={name}" for name in NOT_OURS]
    how = ["--no-wrap", "--no-obsolete", "--add-location=file", "--verbosity=0", *ignored]
    for domain in ("django", "djangojs"):
        subprocess.run(  # noqa: S603 (our own command)
            [sys.executable, root / "manage.py", "makemessages", f"--locale={LOCALE}", f"--domain={domain}", *how],
            cwd=root,
            env={**os.environ, "DJANGO_DEBUG": "1"},
            check=True,
        )
    for path in catalogues(root):
        catalogue = read(path)
        catalogue.header, catalogue.metadata, catalogue.metadata_is_fuzzy = "", dict(HEADER), False
        for entry in catalogue:
            # What a guess was made from is of no use, and polib writes it so that GNU gettext cannot read it again.
            entry.previous_msgctxt = entry.previous_msgid = entry.previous_msgid_plural = None
            if entry.msgid_plural:  # Chinese has one form
                entry.msgstr_plural = {0: entry.msgstr_plural.get(0, "")}
        catalogue.save()


def compile_all(root: Path) -> None:
    for path in catalogues(root):
        read(path).save_as_mofile(str(path.with_suffix(".mo")))


def said(catalogue: polib.POFile | polib.MOFile) -> dict:
    return {
        (entry.msgctxt, entry.msgid): (entry.msgstr, tuple(sorted(entry.msgstr_plural.items())))
        for entry in catalogue
        if entry.msgid
    }


def faults_of(path: Path) -> list[str]:
    """What is wrong in one catalogue, and between it and what is compiled."""
    catalogue, name = read(path), path.relative_to(ROOT)
    found = [f"{name}: not translated: {entry.msgid!r}" for entry in catalogue.untranslated_entries()]
    found += [f"{name}: fuzzy, so look and take the mark away: {entry.msgid!r}" for entry in catalogue.fuzzy_entries()]
    for entry in catalogue.translated_entries():
        wanted = sorted(PLACEHOLDER.findall(entry.msgid_plural or entry.msgid))
        for text in [entry.msgstr] if entry.msgstr else entry.msgstr_plural.values():
            if sorted(PLACEHOLDER.findall(text)) != wanted:
                found.append(f"{name}: other placeholders than {wanted}: {text!r}")
    compiled = path.with_suffix(".mo")
    if not compiled.exists() or said(polib.mofile(str(compiled))) != said(catalogue):
        found.append(f"{compiled.relative_to(ROOT)} is stale: run `make messages`")
    return found


def told_in_two_ways() -> list[str]:
    """One string in two catalogues with two translations: which is read depends on the order of the apps."""
    told = defaultdict(set)
    for path in catalogues(ROOT):
        for key, translation in said(read(path)).items():
            told[key].add(translation)
    return [f"{msgid!r} is told in {len(ways)} ways: {ways}" for (_, msgid), ways in told.items() if len(ways) > 1]


def is_simplified(text: str) -> bool:
    """Taiwan's own set of characters has none of those that are only written elsewhere."""
    return any("\u4e00" <= sign <= "\u9fff" and not sign.encode("cp950", "ignore") for sign in text)


def is_to_patients(entry: polib.POEntry, path: Path) -> bool:
    """Whether no page of those who work here says it, by the files that it stands in."""
    app = path.relative_to(ROOT).parts[0]
    places = [place for place, _line in entry.occurrences]
    return app == "clinic" or all(TO_PATIENTS.match(place) for place in places)


def written_otherwise() -> list[str]:
    """Chinese that a Taiwanese reader would stumble over."""
    found = []
    for path in catalogues(ROOT):
        catalogue = read(path)
        to_patients = {entry.msgid for entry in catalogue if is_to_patients(entry, path)}
        for (_context, msgid), (text, plurals) in said(catalogue).items():
            for told in (text, *(form for _number, form in plurals)):
                plain = PLACEHOLDER.sub("·", told)
                is_to_staff = msgid not in to_patients and "您" in plain
                patterns = (NOT_SAID_HERE, HALF_WIDTH, NO_BLANK)
                if is_to_staff or is_simplified(plain) or any(pattern.search(plain) for pattern in patterns):
                    found.append(f"{path.relative_to(ROOT)}: not as it is written here: {told!r} for {msgid!r}")
    return found


def not_as_the_glossary_says() -> list[str]:
    """Terms that are told in other words, or by nothing that the code says."""
    told = [
        (msgid.casefold(), text or dict(plurals).get(0, ""))
        for path in catalogues(ROOT)
        for (context, msgid), (text, plurals) in said(read(path)).items()
        if not context
    ]
    found = []
    for english, chinese in GLOSSARY.findall((ROOT / "docs" / "glossary.md").read_text())[2:]:
        term = english.casefold()
        whole = {text for msgid, text in told if msgid == term}
        if whole and whole != {chinese}:
            found.append(f"docs/glossary.md says {chinese} for {english!r}, and the catalogues {whole}")
        elif not whole and not any(term in msgid and chinese in text for msgid, text in told):
            found.append(f"docs/glossary.md says {chinese} for {english!r}, which nothing in the catalogues does")
    return found


def strings_that_are_missing() -> list[str]:
    """Strings of the code that the catalogues lack, and the other way round. Reads a copy: a check changes nothing."""
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", "-z"],  # noqa: S607 (which git, the developer knows)
        cwd=ROOT,
        capture_output=True,
        check=True,
        text=True,
    )
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder)
        for name in listed.stdout.split("\0"):
            if Path(name).suffix in READ and (ROOT / name).is_file():
                (copy / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(ROOT / name, copy / name)
        extract(copy)
        return [fault for path in catalogues(copy) for fault in differences(path, path.relative_to(copy))]


def differences(renewed: Path, name: Path) -> list[str]:
    now = set(said(read(renewed)))
    there = set(said(read(ROOT / name))) if (ROOT / name).exists() else set()
    lacks = [f"{name} lacks {msgid!r}: run `make messages`" for _context, msgid in now - there]
    return lacks + [f"{name} has {msgid!r}, which nothing says: run `make messages`" for _, msgid in there - now]


def check() -> list[str]:
    found = [fault for path in catalogues(ROOT) for fault in faults_of(path)]
    found += told_in_two_ways() + written_otherwise() + not_as_the_glossary_says()
    if shutil.which("xgettext"):
        return found + strings_that_are_missing()
    if os.environ.get("CI") == "true":
        return [*found, "GNU gettext is not here, and CI must have it."]
    print("GNU gettext is not here: whether the catalogues lack a string of the code was not asked.")
    return found


if __name__ == "__main__":
    if "--check" in sys.argv:
        faults = check()
        print("\n".join(faults) or "The catalogues are whole.")
        sys.exit(bool(faults))
    if not shutil.which("xgettext"):
        sys.exit("Renewing the catalogues needs GNU gettext (Debian: apt-get install gettext).")
    extract(ROOT)
    compile_all(ROOT)
    left = sum(len(read(path).untranslated_entries()) for path in catalogues(ROOT))
    print(f"{left} strings wait for their translation." if left else "Every string is translated.")
