"""The second factor at the log-in: codes of an app (TOTP), and recovery codes if it is lost."""

import secrets
from collections.abc import Iterator

from django.contrib.auth.models import User
from django.db import transaction
from django_otp import match_token
from django_otp.plugins.otp_static.models import StaticDevice, StaticToken
from django_otp.plugins.otp_totp.models import TOTPDevice

RECOVERY_CODES = 10


def has_second_factor(user: User) -> bool:
    return TOTPDevice.objects.filter(user=user, confirmed=True).exists()


def is_right(user: User, code: str) -> bool:
    """Whether the app shows this code now, or it is a recovery code, which is used up.

    A device that was told wrong codes takes none for a while, twice as long each time.
    """
    return match_token(user, code.replace(" ", "").strip()) is not None


def new_app(user: User) -> TOTPDevice:
    """Return the app that is being set up, a new one if there is none; it does not count yet."""
    device, _is_new = TOTPDevice.objects.get_or_create(user=user, name="app", confirmed=False)
    return device


@transaction.atomic
def switch_on(app: TOTPDevice) -> list[str]:
    """Make this app the person's only one; returns recovery codes, which nobody sees again."""
    TOTPDevice.objects.filter(user=app.user).exclude(pk=app.pk).delete()
    app.confirmed = True
    app.save(update_fields=["confirmed"])
    return new_recovery_codes(app.user)


@transaction.atomic
def new_recovery_codes(user: User) -> list[str]:
    """Make new recovery codes; the ones before are worth nothing any more."""
    StaticDevice.objects.filter(user=user).delete()
    device = StaticDevice.objects.create(user=user, name="recovery", confirmed=True)
    codes = list(_codes())
    StaticToken.objects.bulk_create(StaticToken(device=device, token=code) for code in codes)
    return codes


def left_codes(user: User) -> int:
    return StaticToken.objects.filter(device__user=user).count()


@transaction.atomic
def switch_off(user: User) -> None:
    TOTPDevice.objects.filter(user=user).delete()
    StaticDevice.objects.filter(user=user).delete()


def _codes() -> Iterator[str]:
    for _number in range(RECOVERY_CODES):
        yield secrets.token_hex(5)
