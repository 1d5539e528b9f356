"""Computes with secret keys: signatures of messages, and messages that only the key can read.

Fly publishes no form of what comes out. Assumed is what the names of the types say: HMAC (RFC 2104), NaCl's
``crypto_auth`` and detached ``crypto_sign``, ECDSA over P-256 as in JWS (RFC 7518, 3.4), and XAES-256-GCM (C2SP) with
its nonce before the text.
"""

import hmac
import secrets

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.ciphers.algorithms import AES256
from cryptography.hazmat.primitives.cmac import CMAC
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from flylab.errors import RuleError
from flylab.rules.secret_keys import SIZES

_NONCE = 24  # bytes, the first half goes into the key (C2SP XAES-256-GCM)
_HASHES = {"hs256": "sha256", "hs384": "sha384", "hs512": "sha512", "nacl_auth": "sha512"}
_AUTH = 32  # bytes that crypto_auth keeps of its HMAC


def generate(kind: str) -> bytes:
    """A new key of that type."""
    match kind:
        case "nacl_sign":
            seed = secrets.token_bytes(32)
            return seed + public_half(kind, seed)
        case "es256":
            return ec.generate_private_key(ec.SECP256R1()).private_numbers().private_value.to_bytes(32, "big")
        case _:
            return secrets.token_bytes(SIZES[kind][0])


def public_half(kind: str, value: bytes) -> bytes:
    """Of a key that was given; empty when it has none, raises ``RuleError`` without the value when it is no key."""
    if len(value) not in SIZES[kind]:
        sizes = " or ".join(map(str, SIZES[kind]))
        raise RuleError("invalid_argument", f"value has {len(value)} bytes, a key of type {kind} has {sizes}")
    if kind == "es256":
        return _es256(value).public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    if kind != "nacl_sign":
        return b""
    public = Ed25519PrivateKey.from_private_bytes(value[:32]).public_key().public_bytes_raw()
    if value[32:] not in (b"", public):
        raise RuleError("invalid_argument", "value has a public key that is not its own")
    return public


def sign(kind: str, value: bytes, message: bytes) -> bytes:
    match kind:
        case "nacl_sign":
            return Ed25519PrivateKey.from_private_bytes(value[:32]).sign(message)
        case "es256":
            r, s = decode_dss_signature(_es256(value).sign(message, ec.ECDSA(hashes.SHA256())))
            return r.to_bytes(32, "big") + s.to_bytes(32, "big")
        case _ if kind in _HASHES:
            mac = hmac.new(value, message, _HASHES[kind]).digest()
            return mac[:_AUTH] if kind == "nacl_auth" else mac
        case _:
            raise RuleError("invalid_argument", f"a key of type {kind} does not sign")


def verify(kind: str, value: bytes, message: bytes, signature: bytes) -> None:
    """Raise ``RuleError`` unless the key made this signature."""
    if not _is_of(kind, value, message, signature):
        raise RuleError("invalid_argument", "the signature is not that of the key for this plaintext")


def _is_of(kind: str, value: bytes, message: bytes, signature: bytes) -> bool:
    try:
        match kind:
            case "nacl_sign":
                Ed25519PrivateKey.from_private_bytes(value[:32]).public_key().verify(signature, message)
            case "es256":
                if len(signature) != 64:
                    return False
                parts = encode_dss_signature(
                    *(int.from_bytes(half, "big") for half in (signature[:32], signature[32:]))
                )
                _es256(value).public_key().verify(parts, message, ec.ECDSA(hashes.SHA256()))
            case _:
                return hmac.compare_digest(sign(kind, value, message), signature)
    except InvalidSignature:
        return False
    return True


def encrypt(kind: str, value: bytes, message: bytes, associated: bytes) -> bytes:
    _check_encrypts(kind)
    nonce = secrets.token_bytes(_NONCE)
    return nonce + AESGCM(_derived(value, nonce)).encrypt(nonce[12:], message, associated)


def decrypt(kind: str, value: bytes, message: bytes, associated: bytes) -> bytes:
    _check_encrypts(kind)
    nonce, rest = message[:_NONCE], message[_NONCE:]
    try:
        if len(nonce) == _NONCE:
            return AESGCM(_derived(value, nonce)).decrypt(nonce[12:], rest, associated)
    except InvalidTag:
        pass
    raise RuleError("invalid_argument", "the ciphertext is not one of the key with this associated_data")


def _check_encrypts(kind: str) -> None:
    if kind != "xaes256gcm":
        raise RuleError("invalid_argument", f"a key of type {kind} does not encrypt")


def _derived(value: bytes, nonce: bytes) -> bytes:
    """The key for one nonce: two blocks of CMAC over a counter, the letter X and the nonce's first half (C2SP)."""

    def block(number: int) -> bytes:
        mac = CMAC(AES256(value))
        mac.update(bytes((0, number)) + b"X\0" + nonce[:12])
        return mac.finalize()

    return block(1) + block(2)


def _es256(value: bytes) -> ec.EllipticCurvePrivateKey:
    try:
        return ec.derive_private_key(int.from_bytes(value, "big"), ec.SECP256R1())
    except ValueError:
        raise RuleError("invalid_argument", "value is no number between 1 and the order of P-256") from None
