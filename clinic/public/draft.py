"""A booking on its way through the pages: kept in the visitor's session under one key until its last step."""

import datetime
import time
from dataclasses import asdict, dataclass, field

from django.contrib.sessions.backends.base import SessionBase
from django.http import HttpRequest
from django.utils.crypto import salted_hmac

from clinic.models import ClinicSession, new_reference
from clinic.public import halves

KEY = "booking"
LIFETIME = datetime.timedelta(hours=1)
PAUSE = datetime.timedelta(minutes=5)


@dataclass
class Draft:
    """What was typed is kept as it was typed, and checked anew at the last step: nothing here is trusted."""

    slot: str  # as the first step posts it: 2026-11-23/morning
    details: dict = field(default_factory=dict)  # but for the ID number
    number_half: str = ""  # of the ID number: see halves.py
    survey: dict = field(default_factory=dict)
    lost: str = ""  # the slot that was taken by others while the forms were filled
    # Known before the booking exists, so that one booking sent twice is recognised.
    reference: str = field(default_factory=new_reference)
    started_at: float = field(default_factory=time.time)
    touched_at: float = field(default_factory=time.time)
    shown: str = ""  # the slot that the last page to be shown names
    told: str = ""  # the step whose mistakes the next page tells: a form that was sent leads on, never stays
    mistakes: dict = field(default_factory=dict)  # as a form's `mistakes()` gives them

    number = ""  # whole while a request is answered, and no field: it is not saved

    @classmethod
    def load(cls, request: HttpRequest) -> "Draft | None":
        """The visitor's draft; None where there is none, it is too old, or it is not one of ours."""
        try:
            draft = cls(**request.session[KEY])
            draft.number = halves.recall(draft.number_half, request)
            ClinicSession.parse(draft.slot)
            sound = all(isinstance(kept, dict) for kept in (draft.details, draft.survey, draft.mistakes))
            fresh = 0 <= draft.seconds_old < LIFETIME.total_seconds()
        except (AttributeError, KeyError, TypeError, ValueError):
            return None
        return draft if sound and fresh else None

    def save(self, request: HttpRequest) -> None:
        self.touched_at = time.time()
        request.session[KEY] = asdict(self)
        if not request.user.is_authenticated:  # whoever is signed in has a session of their own length
            request.session.set_expiry(max(1, round(LIFETIME.total_seconds() - self.seconds_old)))

    @property
    def typed(self) -> dict:
        """All that the second step was given."""
        return self.details | {"national_id": self.number}

    @property
    def lost_number(self) -> bool:
        """A number was given, and the visitor's browser has not brought its half again."""
        return bool(self.number_half) and not self.number

    @property
    def is_left_alone(self) -> bool:
        """Nobody has sent anything for a while: whoever comes by the front door now may be somebody else."""
        return time.time() - self.touched_at > PAUSE.total_seconds()

    def tells(self, step: str) -> bool:
        """Whether the page of this step is to tell the mistakes of what was sent."""
        return self.told == step

    def finish(self, session: SessionBase) -> None:
        """Forget everything but the way to the confirmation."""
        session[KEY] = {"booked": self.reference}

    @property
    def seconds_old(self) -> float:
        return time.time() - self.started_at

    @property
    def who(self) -> str:
        """Tells one person's details from another's, and tells nobody what they are."""
        said = {name: text for name, text in self.typed.items() if name != "symptoms"}
        return salted_hmac("clinic.draft", f"{self.reference} {sorted(said.items())}").hexdigest()[:16]

    @property
    def wanted(self) -> ClinicSession:
        """The slot as a session that is not saved. Raises ValueError where it is none."""
        return ClinicSession.parse(self.slot)


def forget(session: SessionBase) -> None:
    """Nothing of this visitor's booking stays: neither what was typed nor the way to the confirmation."""
    session.pop(KEY, None)


def booked_reference(session: SessionBase) -> str:
    """The reference of what this visitor has just booked, or nothing."""
    kept = session.get(KEY)
    return kept.get("booked", "") if isinstance(kept, dict) else ""
