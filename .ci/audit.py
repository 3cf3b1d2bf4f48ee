"""Whether something that is installed here is known to be vulnerable, by PyPI's list of advisories.

Fails where there is an answer and it is yes. Where nobody can be asked, as without internet or behind a mirror that has
packages alone, it says so and passes: a check that needs a network must not stop who has none. Further arguments are
pip-audit's, such as `--ignore-vuln ID`, each with its reason in the Makefile.
"""

import json
import subprocess
import sys
from importlib.metadata import version
from urllib.error import URLError
from urllib.request import Request, urlopen

SECONDS = 10
ONE_OF_THEM = "django"
ADVISORIES = f"https://pypi.org/pypi/{ONE_OF_THEM}/{version(ONE_OF_THEM)}/json"
AUDIT = [sys.executable, "-m", "pip_audit", "--local", "--format", "json", "--progress-spinner", "off"]


def main(arguments: list[str]) -> int:
    if why := why_nobody_answers():
        print(f"Not audited: {why}. Run it where pypi.org answers.")
        return 0
    done = subprocess.run([*AUDIT, "--timeout", str(SECONDS), *arguments], capture_output=True, text=True)  # noqa: S603
    try:
        found = json.loads(done.stdout)["dependencies"]
    except ValueError:
        print(f"Not audited: {(done.stderr.strip().splitlines() or ['pip-audit said nothing'])[-1]}")
        return 0
    return told(found)


def why_nobody_answers() -> str:
    """Asked of one package before all are asked of. "" where advisories are to be had."""
    try:
        with urlopen(Request(ADVISORIES), timeout=SECONDS) as answer:
            return "" if "vulnerabilities" in json.load(answer) else "pypi.org answers without advisories"
    except (URLError, TimeoutError, ValueError) as error:
        return f"pypi.org has no advisories for us ({error})"


def told(found: list[dict]) -> int:
    skipped = [one["name"] for one in found if "skip_reason" in one]
    bad = [(one, known) for one in found for known in one.get("vulns", [])]
    for one, known in bad:
        mended = ", ".join(known["fix_versions"]) or "no version yet"
        print(f"{one['name']} {one['version']}: {known['id']}, mended by {mended}", file=sys.stderr)
    audited = len(found) - len(skipped)
    print(f"Audited: {audited} packages. Advisories: {len(bad)}. Unknown to PyPI: {len(skipped)}.")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
