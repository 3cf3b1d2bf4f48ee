"""What there is to be told of. Each app adds its kinds in a `notices.py`:

@kind("follow_up_overdue", link=the_follow_up, stands=open_and_seen)
def overdue(notice: Notice) -> str:
    return _("A follow-up of yours was due on %(day)s.") % {"day": …}

The words are made when the notice is read, in its reader's language, and never hold an answer, a diagnosis or a
confidence, nor does their order tell of one: who reads blind reads notices too. A kind that follows from an answer
stands for nobody to whom that is closed. Mails do not even hold these words.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from backoffice.discovery import Registry
from backoffice.models import Notice, User

Tell = Callable[[Notice], str]
Link = Callable[[Notice], str]
Stands = Callable[[User, Sequence[Notice]], Iterable[int]]


@dataclass(frozen=True)
class Kind:
    """`stands` gives the keys of those notices that this person may still see and that still say something: what they
    are about is not hidden from them, and not done by somebody else."""

    name: str
    tell: Tell
    link: Link
    stands: Stands


kinds: Registry[Kind] = Registry("notices")


def kind(name: str, *, link: Link, stands: Stands) -> Callable[[Tell], Tell]:
    """Register the function that puts notices of this kind into words."""

    def register(tell: Tell) -> Tell:
        kinds.add(name, Kind(name, tell, link, stands))
        return tell

    return register
