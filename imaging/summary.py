"""What the day's summary says of films."""

from collections.abc import Iterator

from django.utils.translation import gettext_noop

from backoffice.formats.kept import gettext as _
from backoffice.jobs.summary import Day, Figure, section
from backoffice.web.admin_urls import admin_url
from imaging.models import XRayImage


@section(gettext_noop("X-rays"), order=20)
def films(day: Day) -> Iterator[Figure]:
    url = admin_url(XRayImage, "changelist")
    uploaded = XRayImage.objects.visible().filter(**day.within("created_at")).count()
    yield Figure(_("films uploaded"), uploaded, f"{url}?{day.in_a_list()}")
    unsettled = XRayImage.objects.visible().exclude(identity_conflict={}).count()
    yield Figure(_("whose film it is, to settle"), unsettled, f"{url}?whose=unsettled", is_bad=bool(unsettled))
