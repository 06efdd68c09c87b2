"""Who a message is of: the phone and the WhatsApp user id in it. Pure."""

from dataclasses import dataclass

from contacts.addresses import InvalidUserId, is_none, is_user_id, read_user_id
from contacts.phones import InvalidPhone, to_e164
from sarah.warned import Warned

NAME_OF_ID = "business_scoped_user_id"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """Who a message is of: the phone as sent, None if there is none, and the WhatsApp user id."""

    phone: object
    user_id: str
    warnings: dict[str, str]


def read_sender(phone: object, user_id: object) -> Sender:
    """Return who that is. An id sent as the phone is read as what it is.

    Of two that were sent, an unusable one is left out; raises InvalidUserId if there is only one.
    """
    if is_user_id(phone):
        phone, user_id = None, phone if is_none(user_id) else user_id
    phone = None if is_none(phone) else phone
    try:
        found = read_user_id(user_id)
    except InvalidUserId as error:
        if phone is None:
            raise
        return Sender(
            phone=phone,
            user_id="",
            warnings={NAME_OF_ID: Warned.SENDER_LEFT_OUT % {"problem": error}},
        )
    if phone is not None and found:
        try:
            to_e164(phone)
        except InvalidPhone as error:
            warnings = {"contact_phone": Warned.SENDER_LEFT_OUT % {"problem": error}}
            return Sender(phone=None, user_id=found, warnings=warnings)
    return Sender(phone=phone, user_id=found, warnings={})
