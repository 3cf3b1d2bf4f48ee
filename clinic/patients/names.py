"""Whether two spellings of a person's name are one name."""

import re
import unicodedata

TITLES = {"mr", "mrs", "ms", "miss", "dr", "prof", "mx", "先生", "小姐", "女士", "太太"}


def is_another_name(said: str, full_name: str) -> bool:
    """Whether a name as another system writes it (DICOM's `Family^Given=王^小明`, PS3.5 6.2.1, too) is no spelling of
    `full_name`. Order, case, accents' coding, titles and punctuation do not count. An absent name says nothing."""
    spellings = [parts for group in said.split("=") if (parts := _parts(group))]
    wanted = _parts(full_name)
    return bool(spellings) and not any(
        sorted(parts) == sorted(wanted) or "".join(parts) == "".join(wanted) for parts in spellings
    )


def _parts(name: str) -> list[str]:
    words = re.findall(r"[^\W_]+", unicodedata.normalize("NFKC", name).casefold())
    return [word for word in words if word not in TITLES] or words
