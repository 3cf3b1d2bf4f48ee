"""Whether two ways of writing a person's name may mean one person."""

import re
import unicodedata

TITLES = {"mr", "mrs", "ms", "miss", "mx", "dr", "prof", "sir", "dame", "rev", "fr", "md", "phd", "jr", "sr"}


def names_another_patient(name_in_file: str, full_name: str) -> bool:
    """Say whether a DICOM person name (PS3.5 6.2.1, `Family^Given=王^小明`) matches no spelling of `full_name`.

    The groups are spellings of one name: in letters, in ideographs, by sound. Order of the parts, case, titles and
    punctuation do not count. An absent name says nothing.
    """
    spellings = [parts for group in name_in_file.split("=") if (parts := _parts(group))]
    wanted = _parts(full_name)
    return bool(spellings) and not any(_mean_the_same(parts, wanted) for parts in spellings)


def _mean_the_same(parts: list[str], wanted: list[str]) -> bool:
    return sorted(parts) == sorted(wanted) or any(
        "".join(turned) == "".join(wanted) for turned in (parts, parts[1:] + parts[:1], parts[-1:] + parts[:-1])
    )


def _parts(name: str) -> list[str]:
    """Words of letters and digits, without titles: NFKC, so that full-width letters are letters."""
    words = re.findall(r"[^\W_]+", _folded(re.sub(r"['’ʼ]", "", name)))
    return [word for word in words if word not in TITLES] or words


def _folded(name: str) -> str:
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())
