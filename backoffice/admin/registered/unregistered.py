"""What libraries bring into the admin, and nobody should find there: secrets, and a way to run any code."""

from django.contrib import admin
from django_otp.plugins.otp_static.admin import StaticDeviceAdmin  # noqa: F401  (registers, so that it can be undone)
from django_otp.plugins.otp_static.models import StaticDevice
from django_otp.plugins.otp_totp.admin import TOTPDeviceAdmin  # noqa: F401
from django_otp.plugins.otp_totp.models import TOTPDevice
from django_q.admin import QueueAdmin  # noqa: F401
from django_q.models import OrmQ

admin.site.unregister([StaticDevice, TOTPDevice])  # a person's own page sets them up, an administrator takes them away

# A waiting task is a pickle.
if admin.site.is_registered(OrmQ):
    admin.site.unregister(OrmQ)
