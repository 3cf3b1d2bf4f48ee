"""Whether two ways of writing a person's name may mean one person."""

import re
import unicodedata

# Of a DICOM name's five components the last two are prefix and suffix.
OF_THE_NAME = 3

TITLES = {"mr", "mrs", "ms", "miss", "mx", "dr", "prof", "sir", "dame", "rev", "fr", "md", "phd", "jr", "sr"}

AFTER_A_NAME = re.compile(r"(?<=.)(先生|小姐|女士|太太|醫師|醫生)$")

# What NFKD takes off Latin letters; the marks of kana, which make another syllable, lie elsewhere.
ACCENTS = re.compile(r"[\u0300-\u036f]")
WITHOUT_STROKE = str.maketrans({"đ": "d", "ł": "l", "ø": "o"})


def names_another_patient(name_in_file: str, full_name: str) -> bool:
    """Say whether a DICOM person name (PS3.5 6.2.1, `Family^Given=王^小明`) matches no spelling of `full_name`.

    The groups are spellings of one name: in letters, in ideographs, by sound. Order of the parts, case, accents, titles
    and punctuation do not count. An absent name says nothing.
    """
    spellings = [parts for group in name_in_file.split("=") if (parts := _parts_of_group(group))]
    wanted = _parts(full_name)
    return bool(spellings) and not any(_mean_the_same(parts, wanted) for parts in spellings)


def is_of_other_letters(name_in_file: str, full_name: str) -> bool:
    """Whether a name in Latin letters alone is held against one in Chinese, so that their letters tell nothing.

    They are not spelt into one another: 偉, 瑋 and 維 are all Wei, and 張 is Zhang, Chang or Cheung, so what
    sounds alike is no proof of one person, and what does not is none of two.
    """
    return _are_all(name_in_file, "LATIN") and _are_all(full_name, "CJK")


def _are_all(name: str, script: str) -> bool:
    """By Unicode's names of its letters, of which there are some."""
    letters = [unicodedata.name(letter, "") for letter in unicodedata.normalize("NFKC", name) if letter.isalpha()]
    return bool(letters) and all(one.startswith(script) for one in letters)


def _mean_the_same(parts: list[str], wanted: list[str]) -> bool:
    return sorted(parts) == sorted(wanted) or any(
        "".join(turned) == "".join(wanted) for turned in (parts, parts[1:] + parts[:1], parts[-1:] + parts[:-1])
    )


def _parts_of_group(group: str) -> list[str]:
    return _parts("^".join(group.split("^")[:OF_THE_NAME])) or _parts(group)


def _parts(name: str) -> list[str]:
    """Words of letters and digits, without titles: NFKC, so that full-width letters are letters."""
    words = re.findall(r"[^\W_]+", _folded(re.sub(r"['’ʼ]", "", name)))
    words = [AFTER_A_NAME.sub("", word) for word in words]
    return [word for word in words if word not in TITLES] or words


def _folded(name: str) -> str:
    """In NFKC, so that full-width letters are letters, and without accents, which many machines cannot write."""
    folded = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", name).casefold())
    return unicodedata.normalize("NFKC", ACCENTS.sub("", folded)).translate(WITHOUT_STROKE)
