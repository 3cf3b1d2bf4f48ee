from binascii import unhexlify

from django.db import models
from django_otp.plugins.otp_totp.models import TOTPDevice

from backoffice.sealing.fields import SealedCharField


class PhoneSecret(models.Model):
    """What a phone's codes are computed from, sealed. django-otp's own column has random digits in its place, by which
    no code is right: code from before this one, that still runs, lets nobody in by them."""

    phone = models.OneToOneField(TOTPDevice, models.CASCADE, primary_key=True, related_name="sealed")
    secret = SealedCharField(max_length=80, sealed_as="backoffice.phone.secret")

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return str(self.phone)


class Phone(TOTPDevice):
    """django-otp's device, whose secret is sealed beside it."""

    class Meta:
        proxy = True
        default_permissions = ()

    @property
    def bin_key(self) -> bytes:
        try:
            return unhexlify(self.sealed.secret)
        except PhoneSecret.DoesNotExist:  # made by django-otp's own means
            return super().bin_key

    def verify_token(self, token: str) -> bool:
        """Of a secret that was given up with its key no code is right: everybody could compute those of nothing."""
        return bool(self.bin_key) and super().verify_token(token)
