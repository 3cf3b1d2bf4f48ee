"""What libraries bring into the admin, and nobody should find there: secrets, and a way to run any code."""

from django.contrib import admin
from django_otp.plugins.otp_static.admin import StaticDeviceAdmin  # noqa: F401  (registers, so that it can be undone)
from django_otp.plugins.otp_static.models import StaticDevice
from django_otp.plugins.otp_totp.admin import TOTPDeviceAdmin  # noqa: F401
from django_otp.plugins.otp_totp.models import TOTPDevice
from django_q.admin import ScheduleAdmin as LibraryScheduleAdmin
from django_q.models import OrmQ, Schedule

from backoffice.admin.base.changelists import ReadOnlyAdmin

admin.site.unregister([StaticDevice, TOTPDevice])  # a person's own page sets them up, an administrator takes them away

# A waiting task is a pickle. A schedule names any function of Python: it is made by the code, and only read here.
if admin.site.is_registered(OrmQ):
    admin.site.unregister(OrmQ)
admin.site.unregister(Schedule)


@admin.register(Schedule)
class ScheduleAdmin(ReadOnlyAdmin, LibraryScheduleAdmin):
    list_display = ["func", "schedule_type", "next_run", "cluster"]
    list_display_links = ["func"]
    list_filter = ["cluster"]
    fields = ["func", "schedule_type", "minutes", "next_run", "cluster"]
