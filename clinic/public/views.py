"""The public booking: choose a time → details → survey → done. Nothing reaches the database before the last step."""

from collections.abc import Callable
from functools import wraps

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from backoffice.formats.kept import Sentence
from backoffice.formats.kept import gettext as _
from backoffice.web.requests import Request
from clinic import booking
from clinic.hours.availability import nearest, offered_days, running_now
from clinic.models import Appointment
from clinic.public import halves, live
from clinic.public.draft import Draft, booked_reference, forget
from clinic.public.forms import DetailsForm, SurveyForm, TimeForm, as_sent
from clinic.public.limits import may_book, may_start

SEE_OTHER = 303  # a form that was sent leads to a page: "back" and "reload" never ask to send it again


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def choose(request: Request) -> HttpResponse:
    draft = Draft.load(request)
    days = offered_days()
    if request.htmx:
        return live.times_fragment(request, days)
    if "over" in request.POST:
        forget(request.session)
        return redirect("clinic:choose")
    if request.method != "POST" and (draft is None or draft.is_left_alone):
        forget(request.session)
        draft = None
    form = TimeForm(
        request.POST or None, days=days, initial={"session": draft.slot if draft and not draft.lost else ""}
    )
    if request.method == "POST" and form.is_valid():
        slot = form.cleaned_data["session"]
        # Who lost a place while filling the forms has filled them already.
        next_step = "clinic:survey" if draft and draft.lost else "clinic:details"
        if draft is None and not may_start(request):
            messages.warning(request, _("Too many bookings at once. Please try again in an hour, or call us."))
            return _see("clinic:choose")
        draft = draft or Draft(slot)
        draft.slot, draft.lost = slot, ""
        draft.save(request)
        return redirect(next_step)
    if request.method == "POST":
        for error in form.errors.get("session", []):
            messages.warning(request, str(error))
        return _see("clinic:choose")
    context = {
        **live.times(days, chosen=form["session"].value()),
        "form": form,
        "draft": draft,
        "running": running_now(days),
        "nearest": nearest(days, to=draft.wanted) if draft and draft.lost else [],
    }
    return render(request, "clinic/choose.html", context)


def _see(step: str) -> HttpResponse:
    """To that page, where what was sent could not be taken."""
    return HttpResponseRedirect(reverse(step), status=SEE_OTHER)


def later_step(view: Callable) -> Callable:
    """A step that needs the ones before it: without a sound draft the visitor starts over, kindly."""

    @wraps(view)
    @never_cache
    @require_http_methods(["GET", "HEAD", "POST"])
    def guarded(request: Request) -> HttpResponse:
        draft = Draft.load(request)
        if draft is not None:
            return view(request, draft)
        if booked_reference(request.session):
            return redirect("clinic:done")  # sent twice, or the back button afterwards
        messages.info(request, _("Please choose a time first. Nothing has been booked yet."))
        return redirect("clinic:choose")

    return guarded


@later_step
def details(request: Request, draft: Draft) -> HttpResponse:
    if request.method == "POST":
        form = DetailsForm(request.POST)
        _take_time(request, draft)
        typed = form.as_typed()
        # The number is in no page, so that an empty field means the one that was given.
        draft.number = typed.pop("national_id") or draft.number
        draft.details, draft.told = typed, ""
        if "back" in request.POST:
            response: HttpResponse = redirect("clinic:choose")
        elif mistakes := _mistakes_of(DetailsForm(as_sent(draft.typed)), draft):
            draft.told, draft.mistakes = "details", mistakes
            response = _see("clinic:details")
        else:
            draft.shown = draft.slot
            response = redirect("clinic:survey")
        draft.number_half = halves.keep(draft.number, response)
        draft.save(request)
        return response
    form = DetailsForm(initial=draft.typed)
    if draft.tells("details"):
        form.tell(draft.mistakes)
    return render(request, "clinic/details.html", {"form": form, "wanted": draft.wanted})


def _mistakes_of(person: DetailsForm, draft: Draft) -> dict:
    """What the second step has to tell, as a session keeps it."""
    if person.is_valid() and draft.lost_number:
        person.add_error("national_id", _("Your browser did not keep the number. Please write it once more."))
    return person.mistakes()


@later_step
def survey(request: Request, draft: Draft) -> HttpResponse:
    person = DetailsForm(as_sent(draft.typed))
    if mistakes := _mistakes_of(person, draft):
        draft.told, draft.mistakes = "details", mistakes
        if draft.lost_number:
            draft.number_half = ""  # said once; a field that is left empty then means that there is none
        draft.save(request)
        return redirect("clinic:details")
    if request.method == "POST":
        form = SurveyForm(request.POST)
        form.is_bound = True  # also a survey without questions, which has no field to be bound to
        _take_time(request, draft)
        draft.survey, draft.told = form.as_typed(), ""
        draft.save(request)
        if "back" in request.POST:
            return redirect("clinic:details")
        if request.POST.get("who", draft.who) != draft.who:
            messages.warning(request, _("Your details were changed in another window. Look them over, then go on."))
            return _see("clinic:details")
        answer = _finish(request, draft, person, form) if _is_no_machine(request, draft, person, form) else None
        if answer is not None:
            return answer
        draft.told, draft.mistakes = "survey", form.mistakes()
        draft.save(request)
        return _see("clinic:survey")
    form = SurveyForm(initial=draft.survey)
    if draft.tells("survey"):
        form.tell(draft.mistakes)
    if draft.shown != draft.slot:
        draft.shown = draft.slot
        draft.save(request)
    return render(request, "clinic/survey.html", {"form": form, "wanted": draft.wanted, "who": draft.who})


def _take_time(request: Request, draft: Draft) -> None:
    """Each page carries the time that it shows: another window may have chosen another one since."""
    wanted = request.POST.get("slot") or draft.shown
    if wanted and wanted != draft.slot and TimeForm({"session": wanted}, days=offered_days()).is_valid():
        draft.slot = wanted


def _is_no_machine(request: Request, draft: Draft, person: DetailsForm, form: SurveyForm) -> bool:
    if not form.is_valid():
        return False
    if draft.seconds_old < settings.BOOKING_MIN_SECONDS:
        form.add_error(None, _("That was very fast. Please look it over once more, then book."))
    elif not may_book(request, person.who, person.cleaned_data["email"]):
        # One answer for all limits: it tells nobody that a person has booked.
        form.add_error(None, _("Too many bookings at once. Please try again in an hour, or call us."))
    return form.is_valid()


def _finish(request: Request, draft: Draft, person: DetailsForm, survey: SurveyForm) -> HttpResponse | None:
    """Book. None where the last page should say what is wrong."""
    wanted = draft.wanted
    try:
        booking.book_publicly(
            booking.session_to_book(wanted.date, wanted.period),
            person.cleaned_data,
            symptoms=person.cleaned_data["symptoms"],
            likert=survey.likert,
            numeric=survey.numeric,
            reference=draft.reference,
        )
    except booking.AlreadyBooked as error:
        # The same booking sent twice at once: both get the same confirmation.
        if not Appointment.objects.filter(reference=draft.reference).exists():
            survey.add_error(None, Sentence(error.__str__))
            return None
    except booking.BookingError as error:
        draft.lost = draft.slot
        draft.save(request)
        messages.warning(request, _("%(why)s What you typed is kept.") % {"why": error})
        return redirect("clinic:choose")
    draft.finish(request.session)
    return redirect("clinic:done")


@never_cache
@require_safe
def done(request: Request) -> HttpResponse:
    reference = booked_reference(request.session)
    appointment = Appointment.objects.visible().select_related("session").filter(reference=reference).first()
    if appointment is None:
        return redirect("clinic:choose")
    return render(request, "clinic/done.html", {"appointment": appointment})
