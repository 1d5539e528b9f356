"""The local certificate authority of `flylab up --tls`: one key for each state folder, and a certificate for each name.

Certificates are made when a client names a host (SNI), each for exactly that name: browsers take no ``*.localhost``.
"""

import datetime
import ipaddress
import os
import ssl
from collections.abc import Callable
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from flylab.errors import LocalError

_FOLDER, _CERTIFICATE, _KEY = "tls", "ca.pem", "ca-key.pem"
_YEARS = 10  # of the authority; our choice
_DAYS = 397  # of a certificate: browsers refuse longer ones of public authorities (CA/Browser Forum, ballot SC22)
_EARLIER = datetime.timedelta(hours=1)  # clocks differ
_Seconds = Callable[[], float]


class Authority:
    """Keeps its key and certificate in ``folder``/tls (0700, files 0600); signs one key of this run for all names."""

    def __init__(self, folder: Path, wall: _Seconds) -> None:
        self._folder = folder / _FOLDER
        self._wall = wall
        self.path = self._folder / _CERTIFICATE
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if not self.path.exists():
                self._make()
            self._key = serialization.load_pem_private_key((self._folder / _KEY).read_bytes(), password=None)
            self._certificate = x509.load_pem_x509_certificate(self.path.read_bytes())
        except (OSError, ValueError) as exc:
            text = f"cannot use the certificate authority in {self._folder}: {exc}; remove that folder for a new one"
            raise LocalError(text) from exc
        self._leaf_key = ec.generate_private_key(ec.SECP256R1())

    def load(self, context: ssl.SSLContext, names: tuple[str, ...]) -> None:
        """Give the context a certificate for these hosts and addresses."""
        pem = self._issue(names).public_bytes(serialization.Encoding.PEM) + _private(self._leaf_key)
        # Python's ssl reads certificates from files alone.
        path = self._folder / f"leaf-{os.getpid()}.pem"
        _write(path, pem)
        try:
            context.load_cert_chain(path)
        finally:
            path.unlink()

    def _issue(self, names: tuple[str, ...]) -> x509.Certificate:
        key = self._key
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise LocalError(f"the key in {self._folder} is not one that flylab made; remove that folder for a new one")
        authority = x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key())
        return (
            self._builder(self._certificate.subject, self._leaf_key, datetime.timedelta(days=_DAYS))
            # A name of over 64 characters is none for a subject (RFC 5280); what counts is the list below.
            .subject_name(_subject("flylab"))
            .add_extension(x509.SubjectAlternativeName([_general(name) for name in names]), critical=False)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .add_extension(authority, critical=False)
            .sign(key, hashes.SHA256())
        )

    def _make(self) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        name = _subject("flylab local authority")
        usage = x509.KeyUsage(
            digital_signature=False,
            content_commitment=False,
            key_encipherment=False,
            data_encipherment=False,
            key_agreement=False,
            key_cert_sign=True,
            crl_sign=True,
            encipher_only=False,
            decipher_only=False,
        )
        certificate = (
            self._builder(name, key, datetime.timedelta(days=365 * _YEARS))
            .subject_name(name)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(usage, critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .sign(key, hashes.SHA256())
        )
        # The key first: a certificate alone would be taken for a whole authority by the next run.
        _write(self._folder / _KEY, _private(key))
        _write(self.path, certificate.public_bytes(serialization.Encoding.PEM))

    def _builder(
        self, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, lasts: datetime.timedelta
    ) -> x509.CertificateBuilder:
        now = datetime.datetime.fromtimestamp(self._wall(), datetime.UTC)
        return (
            x509.CertificateBuilder()
            .issuer_name(issuer)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - _EARLIER)
            .not_valid_after(now + lasts)
        )


def _subject(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _general(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _private(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _write(path: Path, content: bytes) -> None:
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
