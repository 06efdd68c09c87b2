"""Reading how a person is reached: by phone, by WhatsApp's user id, by both, or not at all."""

import pytest

from contacts.addresses import Address, InvalidUserId, read_address
from contacts.phones import InvalidPhone

PHONE, USER_ID = "+6281234567890", "ID.26694801573320718846"
LONGEST = f"ID.ENT.{'a' * 128}"

READ = [
    ("0812-3456-7890", None, Address(phone=PHONE)),
    ("6281234567890", USER_ID, Address(phone=PHONE, user_id=USER_ID)),
    (None, USER_ID, Address(user_id=USER_ID)),
    (USER_ID, None, Address(user_id=USER_ID)),
    (f" {USER_ID} ", "", Address(user_id=USER_ID)),
    (USER_ID, "US.9", Address(user_id="US.9")),
    ("null", LONGEST, Address(user_id=LONGEST)),
    *((none, none, Address()) for none in (None, "", " ", "null", "undefined")),
]


@pytest.mark.parametrize(("phone", "user_id", "address"), READ)
def test_an_address_is_a_phone_in_any_spelling_an_id_verbatim_or_none(
    phone: object, user_id: object, address: Address
) -> None:
    assert read_address(phone, user_id) == address
    assert bool(address) == bool(address.phone or address.user_id)


@pytest.mark.parametrize(
    "user_id",
    ["id.7", "IDN.1", "XY.", "ID.a-b", f"ID.{'a' * 129}", "ID.7\nx", "budi.kopi", 98, ["ID.1"]],
)
def test_what_is_no_id_is_refused_in_a_sentence_that_does_not_repeat_it(user_id: object) -> None:
    with pytest.raises(InvalidUserId) as refused:
        read_address(None, user_id)

    assert str(user_id) not in str(refused.value)


@pytest.mark.parametrize("phone", ["Budi", "Null", "id.1", 0.5])
def test_another_word_is_no_phone(phone: object) -> None:
    with pytest.raises(InvalidPhone):
        read_address(phone)
