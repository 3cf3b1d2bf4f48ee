"""The only place that books, cancels, moves and calls appointments.

`by` is the user who acts, None for the public. Every change is a conditional UPDATE, so that of two people who do
the same thing at once one does it and the other is told; then the row is saved once, and history and whoever listens
to signals see the change as they see any other. Transactions touch the hours first where they change them or
make sessions by them, then appointments, then sessions, each in the order of their keys, so that two of them never wait
for each other.
"""

from clinic.booking.answers import answer, answered, has_open_questions
from clinic.booking.bookings import (
    book,
    book_publicly,
    cancel,
    is_to_check,
    move,
    public_may_change,
    reinstate,
)
from clinic.booking.calling import call, call_next, check_in, mark_done, mark_no_show, recall, skip, step_back, walk_in
from clinic.booking.counting import count_anew
from clinic.booking.errors import (
    AlreadyAnswered,
    AlreadyBooked,
    AnotherDay,
    BookingError,
    NobodyCalled,
    SessionClosed,
    SessionFull,
    WalkInForAnotherDay,
    WrongStatus,
)
from clinic.booking.sessions import follow_hours, hold, hold_timetable, session_for, session_to_book
from clinic.booking.settling import CANCEL, KEEP, Proposal, Undecided, set_by_hand, settle

__all__ = [
    "CANCEL",
    "KEEP",
    "AlreadyAnswered",
    "AlreadyBooked",
    "AnotherDay",
    "BookingError",
    "NobodyCalled",
    "Proposal",
    "SessionClosed",
    "SessionFull",
    "Undecided",
    "WalkInForAnotherDay",
    "WrongStatus",
    "answer",
    "answered",
    "book",
    "book_publicly",
    "call",
    "call_next",
    "cancel",
    "check_in",
    "count_anew",
    "follow_hours",
    "has_open_questions",
    "hold",
    "hold_timetable",
    "is_to_check",
    "mark_done",
    "mark_no_show",
    "move",
    "public_may_change",
    "recall",
    "reinstate",
    "session_for",
    "session_to_book",
    "set_by_hand",
    "settle",
    "skip",
    "step_back",
    "walk_in",
]
