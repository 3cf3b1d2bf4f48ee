from django.utils.safestring import SafeString

from backoffice.live.chips import Tone, chip
from clinic.models import Appointment

Status = Appointment.Status

TONES: dict[str, Tone] = {
    Status.BOOKED: Tone.QUIET,
    Status.CHECKED_IN: Tone.WAIT,
    Status.CALLED: Tone.PLAIN,
    Status.DONE: Tone.GOOD,
    Status.CANCELLED: Tone.QUIET,
    Status.NO_SHOW: Tone.BAD,
}


def status_chip(appointment: Appointment) -> SafeString:
    return chip(appointment.get_status_display(), TONES[appointment.status])
