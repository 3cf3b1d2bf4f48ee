"""Whether something that is installed here is known to be vulnerable, by pip-audit's list of advisories.

Fails where there is an answer and it is yes. Where nobody can be asked, as without internet or behind a mirror that has
packages alone, it says so and passes: a check that needs a network must not stop who has none. Further arguments are
pip-audit's, such as `--ignore-vuln ID`, each with its reason in the Makefile.
"""

import json
import subprocess
import sys

AUDIT = [sys.executable, "-m", "pip_audit", "--local", "--format", "json", "--progress-spinner", "off"]
SECONDS = ["--timeout", "10"]


def main(arguments: list[str]) -> int:
    done = subprocess.run([*AUDIT, *SECONDS, *arguments], capture_output=True, text=True)  # noqa: S603
    try:
        found = json.loads(done.stdout)["dependencies"]
    except ValueError:
        print(f"Not audited: {(done.stderr.strip().splitlines() or ['pip-audit said nothing'])[-1]}")
        return 0
    return told(found)


def told(found: list[dict]) -> int:
    skipped = [one["name"] for one in found if "skip_reason" in one]
    if len(skipped) == len(found):
        print("Not audited: whoever was asked has no advisories. Run it where the internet is.")
        return 0
    bad = [(one, known) for one in found for known in one.get("vulns", [])]
    for one, known in bad:
        mended = ", ".join(known["fix_versions"]) or "no version yet"
        print(f"{one['name']} {one['version']}: {known['id']}, mended by {mended}", file=sys.stderr)
    print(f"{len(found) - len(skipped)} packages audited, {len(bad)} advisories, {len(skipped)} unknown.")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
