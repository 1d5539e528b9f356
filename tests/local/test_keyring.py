"""What is computed with secret keys: published examples, and that nothing but the key gets through."""

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st

from flylab.errors import RuleError
from flylab.local import keyring
from flylab.rules.secret_keys import SIZES

SIGNING = sorted(set(SIZES) - {"xaes256gcm"})
KEYS = {kind: keyring.generate(kind) for kind in SIZES}


@pytest.mark.parametrize(
    ("kind", "key", "message", "signature"),
    [
        # RFC 4231, 4.3; zeros after a short key change no HMAC (RFC 2104, 2).
        (
            "hs256",
            b"Jefe" + bytes(28),
            b"what do ya want for nothing?",
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
        ),
        (
            "hs384",
            b"Jefe" + bytes(44),
            b"what do ya want for nothing?",
            "af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e8e2240ca5e69e2c78b3239ecfab21649",
        ),
        (
            "hs512",
            b"Jefe" + bytes(60),
            b"what do ya want for nothing?",
            "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554"
            "9758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737",
        ),
        (
            "nacl_auth",
            # its first half (NaCl, tests/auth.c)
            b"Jefe" + bytes(28),
            b"what do ya want for nothing?",
            "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554",
        ),
        (
            "nacl_sign",
            # RFC 8032, 7.1, test 2
            bytes.fromhex("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb"),
            b"\x72",
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
            "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
        ),
    ],
)
def test_published_signatures(kind: str, key: bytes, message: bytes, signature: str) -> None:
    assert keyring.sign(kind, key, message).hex() == signature
    keyring.verify(kind, key, message, bytes.fromhex(signature))


def test_a_published_ciphertext() -> None:
    # C2SP XAES-256-GCM, its first test vector.
    text = b"ABCDEFGHIJKLMNOPQRSTUVWX" + bytes.fromhex("ce546ef63c9cc60765923609b33a9a1974e96e52daf2fcf7075e2271")
    assert keyring.decrypt("xaes256gcm", b"\1" * 32, text, b"") == b"XAES-256-GCM"


@pytest.mark.parametrize("kind", SIGNING)
@given(message=st.binary(max_size=64), at=st.integers(0, 2**16))
def test_a_signature_is_that_of_one_message_by_one_key(kind: str, message: bytes, at: int) -> None:
    key = KEYS[kind]
    signature = keyring.sign(kind, key, message)
    keyring.verify(kind, key, message, signature)
    changed = bytearray(signature)
    changed[at % len(changed)] ^= 1
    for wrong in (
        (key, message, bytes(changed)),
        (key, message + b"x", signature),
        (key, message, signature[:-1]),
        (key, message, b""),
        (keyring.generate(kind), message, signature),
    ):
        with pytest.raises(RuleError, match="signature is not that"):
            keyring.verify(kind, *wrong)


@given(message=st.binary(max_size=64), associated=st.binary(max_size=8), at=st.integers(0, 2**16))
def test_what_is_encrypted_is_read_with_the_key_alone(message: bytes, associated: bytes, at: int) -> None:
    key = KEYS["xaes256gcm"]
    text = keyring.encrypt("xaes256gcm", key, message, associated)
    assert keyring.decrypt("xaes256gcm", key, text, associated) == message
    assert keyring.encrypt("xaes256gcm", key, message, associated) != text
    changed = bytearray(text)
    changed[at % len(changed)] ^= 1
    for wrong in (
        (key, bytes(changed), associated),
        (key, text, associated + b"x"),
        (key, text[:10], associated),
        (keyring.generate("xaes256gcm"), text, associated),
    ):
        with pytest.raises(RuleError, match="ciphertext is not one"):
            keyring.decrypt("xaes256gcm", *wrong)


def test_a_key_does_what_its_type_does() -> None:
    with pytest.raises(RuleError, match="of type xaes256gcm does not sign"):
        keyring.sign("xaes256gcm", KEYS["xaes256gcm"], b"")
    for kind in SIGNING:
        with pytest.raises(RuleError, match="does not encrypt"):
            keyring.encrypt(kind, KEYS[kind], b"", b"")
        with pytest.raises(RuleError, match="does not encrypt"):
            keyring.decrypt(kind, KEYS[kind], b"", b"")


@pytest.mark.parametrize("kind", SIZES)
def test_a_key_has_its_size(kind: str) -> None:
    keyring.public_half(kind, KEYS[kind])
    with pytest.raises(RuleError, match="value has 3 bytes") as caught:
        keyring.public_half(kind, b"abc")
    assert "abc" not in str(caught.value)


def test_public_halves() -> None:
    key = KEYS["nacl_sign"]
    public = keyring.public_half("nacl_sign", key[:32])
    assert keyring.public_half("nacl_sign", key) == key[32:] == public
    Ed25519PublicKey.from_public_bytes(public).verify(keyring.sign("nacl_sign", key, b"m"), b"m")
    assert len(keyring.public_half("es256", KEYS["es256"])) == 65
    assert keyring.public_half("hs256", KEYS["hs256"]) == b""
    with pytest.raises(RuleError, match="public key that is not its own"):
        keyring.public_half("nacl_sign", key[:32] + bytes(32))
    with pytest.raises(RuleError, match="order of P-256"):
        keyring.public_half("es256", bytes(32))
