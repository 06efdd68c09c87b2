"""What a key looks like, and that only its digest is worth storing."""

import hashlib
import re
import zlib

import pytest

from leadsync import keys


def test_keys_differ_are_recognisable_and_carry_256_random_bits():
    issued = {keys.generate() for _ in range(200)}

    assert len(issued) == 200
    for key in issued:
        assert re.fullmatch(r"ls_[A-Za-z0-9_-]{43}[0-9a-f]{8}", key)
        assert keys.is_wellformed(key)
        assert key.startswith(keys.shown_part(key))
    assert len({key[3:46] for key in issued}) == 200


@pytest.mark.parametrize("position", range(3, 54))
def test_a_key_with_one_wrong_character_is_junk(position):
    key = keys.generate()
    wrong = "a" if key[position] != "a" else "b"

    assert not keys.is_wellformed(key[:position] + wrong + key[position + 1 :])


@pytest.mark.parametrize(
    "junk",
    ["", "ls_", "secret", "x" * 54, "ls_" + "é" * 51, "ls_" + "a" * 51, "LS_" + "a" * 43, "\x00"],
)
def test_junk_is_no_key(junk):
    assert not keys.is_wellformed(junk)


def test_a_key_of_another_length_is_junk_even_if_its_checksum_is_right():
    for random in ("a", "a" * 42, "a" * 44):
        assert not keys.is_wellformed(f"ls_{random}{zlib.crc32(random.encode()):08x}")


def test_the_digest_is_the_keys_sha_256_and_shows_nothing_of_it():
    key = keys.generate()

    assert keys.digest(key) == hashlib.sha256(key.encode()).hexdigest()
    assert key[3:10] not in keys.digest(key)
    assert len(keys.shown_part(key)) < 12
