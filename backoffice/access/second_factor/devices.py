"""A person's phone and backup codes: django-otp's devices, asked for by what the clinic calls them."""

import secrets
from base64 import b32encode, urlsafe_b64encode
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone
from django.utils.crypto import salted_hmac
from django_otp.models import Device
from django_otp.plugins.otp_static.models import StaticDevice, StaticToken
from django_otp.util import random_hex

from backoffice.models import Phone, PhoneSecret, User

BACKUP_CODES = 10
PHONE_DIGITS = 6
CODE_BYTES = 10
SECRET_BYTES = 20
FRESH_SECONDS = 600

_SALT = "backoffice.backup_codes"


def phone_of(person: User) -> Phone | None:
    """The phone that this person's codes come from, once it has proved to work."""
    return Phone.objects.filter(user=person, confirmed=True).first()


@transaction.atomic
def phone_to_set_up(person: User) -> Phone:
    """A secret for a phone that has not proved to work yet: the same one while the page is reloaded, and another one
    later, for whoever sat here before may have read the first.

    The person's row is the lock: two windows at the same moment show one secret.
    """
    User.objects.select_for_update(no_key=True).get(pk=person.pk)
    too_old = timezone.now() - timedelta(seconds=FRESH_SECONDS)
    Phone.objects.filter(user=person, confirmed=False, created_at__lt=too_old).delete()
    phone, is_new = Phone.objects.get_or_create(user=person, confirmed=False, defaults={"name": "phone"})
    if is_new:
        PhoneSecret.objects.create(phone=phone, secret=random_hex(SECRET_BYTES))
    return phone


def secret_of(phone: Phone) -> str:
    """The secret as text, for a phone without a camera: groups of four."""
    secret = phone.config_url.partition("secret=")[2].partition("&")[0]
    return " ".join(secret[start : start + 4] for start in range(0, len(secret), 4))


@transaction.atomic
def verify(person: User, code: str) -> Device | None:
    """The phone or the backup codes that this code is from. Each code is good once; wrong ones slow the next try.

    The rows are locked, so that one code sent twice at the same moment signs in once.
    """
    code = "".join(code.split()).replace("-", "").lower()
    kind = Phone if len(code) == PHONE_DIGITS and code.isdecimal() else StaticDevice
    kept = code if kind is Phone else hash_of(code)
    for device in kind.objects.select_for_update().filter(user=person, confirmed=True):
        if device.verify_token(kept):
            return device
    return None


@transaction.atomic
def confirm(phone: Phone, code: str) -> bool:
    """Take the phone into use if it shows the right code; it then takes the place of an earlier one."""
    phone = Phone.objects.select_for_update().get(pk=phone.pk)
    if not phone.verify_token("".join(code.split())):
        return False
    Phone.objects.filter(user=phone.user).exclude(pk=phone.pk).delete()
    phone.confirmed = True
    phone.save(update_fields=["confirmed"])
    return True


@transaction.atomic
def new_backup_codes(person: User) -> list[str]:
    """Ten codes for the day the phone is lost, in place of earlier ones, as they are shown: this once."""
    StaticDevice.objects.filter(user=person).delete()
    device = StaticDevice.objects.create(user=person, name="backup codes")
    codes = [b32encode(secrets.token_bytes(CODE_BYTES)).decode().lower() for _number in range(BACKUP_CODES)]
    StaticToken.objects.bulk_create(StaticToken(device=device, token=hash_of(code)) for code in codes)
    return ["-".join(code[start : start + 4] for start in range(0, len(code), 4)) for code in codes]


def hash_of(code: str) -> str:
    """What is kept of a backup code: 16 signs of an HMAC by SECRET_KEY.

    A slow hash is for what people choose. A code is 80 random bits, which nobody tries out; and since what the database
    compares is keyed, the time that it takes says nothing of a code.
    """
    return urlsafe_b64encode(salted_hmac(_SALT, code, algorithm="sha256").digest()[:12]).decode()


def backup_codes_left(person: User) -> int:
    return StaticToken.objects.filter(device__user=person).count()


@transaction.atomic
def forget(person: User) -> None:
    """Take away phone and codes: from now on the password alone signs in, or a new phone is set up first."""
    Phone.objects.filter(user=person).delete()
    StaticDevice.objects.filter(user=person).delete()


def throttled_until(person: User) -> datetime | None:
    """When the next code may be tried, where wrong ones came before."""
    answers = [
        device.verify_is_allowed()
        for kind in (Phone, StaticDevice)
        for device in kind.objects.filter(user=person, throttling_failure_count__gt=0)
    ]
    return max((why["locked_until"] for is_allowed, why in answers if not is_allowed), default=None)
