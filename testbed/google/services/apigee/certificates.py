# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
"""Certificates and keys as aliases hold them: read from an upload, checked, made, and shown as Apigee shows them."""
from __future__ import annotations

import datetime
import re
from dataclasses import dataclass
from typing import Any

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.x509.oid import NameOID

from testbed.google.errors import GoogleError

PEM = serialization.Encoding.PEM
_BLOCK = re.compile(rb"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", re.DOTALL)
_JOINED = re.compile(rb"-----END CERTIFICATE-----[ \t]*-----BEGIN CERTIFICATE-----")
_HASHES = {"SHA256withRSA": hashes.SHA256, "SHA384withRSA": hashes.SHA384, "SHA512withRSA": hashes.SHA512}
_SUBJECT = {"commonName": NameOID.COMMON_NAME, "orgUnit": NameOID.ORGANIZATIONAL_UNIT_NAME,
            "org": NameOID.ORGANIZATION_NAME, "locality": NameOID.LOCALITY_NAME,
            "state": NameOID.STATE_OR_PROVINCE_NAME, "countryCode": NameOID.COUNTRY_NAME,
            "email": NameOID.EMAIL_ADDRESS}
# Fields of CertificateGenerationSpec. Source: Terraform's google_apigee_keystores_aliases_self_signed_cert; the
# discovery document does not contain this schema.
SPECIFICATION = frozenset(("alias", "keySize", "sigAlg", "subject", "certValidityInDays", "subjectAlternativeDnsNames"))


@dataclass(frozen=True)
class Content:
    """What an alias holds: a chain beginning with its own certificate, and the private key (PKCS #8 PEM) or None."""

    chain: tuple[x509.Certificate, ...]
    key: bytes | None = None

    @property
    def certificates(self) -> str:
        """The chain as PEM."""
        return "".join(certificate.public_bytes(PEM).decode() for certificate in self.chain)

    @property
    def type(self) -> str:
        return "KEY_CERT" if self.key else "CERT"


def read_chain(data: bytes, *, ignore_newlines: bool) -> tuple[x509.Certificate, ...]:
    """The certificates of a PEM or DER file. Raises GoogleError 400."""
    if not data.strip():
        raise GoogleError(400, "the certificate file is empty")
    try:
        if not _BLOCK.search(data):
            return (x509.load_der_x509_certificate(data),)
        if _JOINED.search(data) and not ignore_newlines:
            raise GoogleError(400, "the certificate chain has no newline between its certificates")
        return tuple(x509.load_pem_x509_certificate(block) for block in _BLOCK.findall(data))
    except ValueError as error:
        raise GoogleError(400, "the certificate is not a PEM or DER encoded X.509 certificate") from error


def read_key(data: bytes, password: bytes | None) -> bytes:
    """A private key file as PKCS #8 PEM without a password. Raises GoogleError 400."""
    try:
        key = serialization.load_pem_private_key(data, password)
    except TypeError as error:
        raise GoogleError(400, "the private key is encrypted: a password is required" if password is None else
                          "the private key is not encrypted but a password was given") from error
    except ValueError as error:
        raise GoogleError(400, "the private key cannot be read: it is no PEM key or the password is wrong") from error
    return _key_pem(key)


def read_pkcs12(data: bytes, password: bytes | None) -> Content:
    """A PKCS #12 file with a key and its certificate. Raises GoogleError 400."""
    try:
        key, certificate, others = pkcs12.load_key_and_certificates(data, password)
    except ValueError as error:
        raise GoogleError(400, "the PKCS12 file cannot be read: it is no such file or the password is wrong") from error
    if key is None or certificate is None:
        raise GoogleError(400, "the PKCS12 file must hold a private key and its certificate")
    return Content((certificate, *others), _key_pem(key))


def check(content: Content, *, ignore_expiry: bool) -> Content:
    """The content itself, unless its key is another one's, its chain is none or a certificate is expired (400)."""
    if content.key:
        key = serialization.load_pem_private_key(content.key, None)
        if _public(key.public_key()) != _public(content.chain[0].public_key()):
            raise GoogleError(400, "the private key does not match the certificate")
    for certificate, issuer in zip(content.chain, content.chain[1:], strict=False):
        try:
            certificate.verify_directly_issued_by(issuer)
        except (ValueError, TypeError, InvalidSignature) as error:
            raise GoogleError(400, f'the certificates are no chain: "{certificate.subject.rfc4514_string()}" is not '
                                   f'issued by "{issuer.subject.rfc4514_string()}"') from error
    now = datetime.datetime.now(datetime.UTC)
    for certificate in content.chain:
        if certificate.not_valid_after_utc < now and not ignore_expiry:
            raise GoogleError(400, f'the certificate "{certificate.subject.rfc4514_string()}" expired on '
                                   f"{certificate.not_valid_after_utc.isoformat()}")
    return content


def generate(specification: dict[str, Any]) -> Content:
    """A new key with a certificate that it signs itself, from a CertificateGenerationSpec. Raises GoogleError 400."""
    unknown = sorted(set(specification) - SPECIFICATION)
    if unknown:
        raise GoogleError(400, f"CertificateGenerationSpec has no field {', '.join(unknown)}")
    subject = specification.get("subject") or {}
    wrong = sorted(set(subject) - set(_SUBJECT))
    if wrong or not subject.get("commonName"):
        raise GoogleError(400, f"subject: unknown field {', '.join(wrong)}" if wrong else
                          "subject.common_name is required")
    size = int(specification.get("keySize") or 2048)
    if size not in (1024, 2048, 4096):
        raise GoogleError(400, f"key_size must be 1024, 2048 or 4096, not {size}")
    algorithm = specification.get("sigAlg") or "SHA256withRSA"
    if algorithm not in _HASHES:
        raise GoogleError(400, f"sig_alg must be one of {', '.join(_HASHES)}, not {algorithm}")
    days = int(specification.get("certValidityInDays") or 365)
    if days < 1:
        raise GoogleError(400, f"cert_validity_in_days must be positive, not {days}")
    key = rsa.generate_private_key(65537, size)
    name = x509.Name([x509.NameAttribute(_SUBJECT[field], value) for field, value in subject.items()])
    now = datetime.datetime.now(datetime.UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), now,
                                      now + datetime.timedelta(days=days))
    other = (specification.get("subjectAlternativeDnsNames") or {}).get("subjectAlternativeName")
    if other:
        builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(other)]), critical=False)
    return Content((builder.sign(key, _HASHES[algorithm]()),), _key_pem(key))


def request(content: Content) -> bytes:
    """A PKCS #10 signing request (PEM) for the key of an alias, with its certificate's names."""
    key = serialization.load_pem_private_key(content.key or b"", None)
    own = content.chain[0]
    builder = x509.CertificateSigningRequestBuilder(own.subject)
    try:
        names = own.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        builder = builder.add_extension(names, critical=False)
    except x509.ExtensionNotFound:
        pass
    return builder.sign(key, hashes.SHA256()).public_bytes(PEM)


def info(certificate: x509.Certificate) -> dict[str, Any]:
    """A certificate as a CertInfo. Source: apigee.v1 discovery document, CertInfo."""
    now = datetime.datetime.now(datetime.UTC)
    valid = ("Not yet" if now < certificate.not_valid_before_utc
             else "No" if now > certificate.not_valid_after_utc else "Yes")
    shown: dict[str, Any] = {
        "version": certificate.version.value + 1,
        "subject": _distinguished(certificate.subject), "issuer": _distinguished(certificate.issuer),
        "serialNumber": format(certificate.serial_number, "x"),
        "validFrom": _milliseconds(certificate.not_valid_before_utc),
        "expiryDate": _milliseconds(certificate.not_valid_after_utc), "isValid": valid,
        "sigAlgName": _algorithm(certificate), "publicKey": _describe(certificate.public_key()),
        "basicConstraints": "CA:FALSE"}
    try:
        constraints = certificate.extensions.get_extension_for_class(x509.BasicConstraints).value
        shown["basicConstraints"] = f"CA:{str(constraints.ca).upper()}"
    except x509.ExtensionNotFound:
        pass
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        shown["subjectAlternativeNames"] = [str(name.value) for name in names]
    except x509.ExtensionNotFound:
        pass
    return shown


def _distinguished(name: x509.Name) -> str:
    """``CN=shop CA, O=acme``, as Java writes names."""
    return ", ".join(attribute.rfc4514_string() for attribute in reversed(list(name)))


def _milliseconds(moment: datetime.datetime) -> str:
    return str(int(moment.timestamp() * 1000))


def _algorithm(certificate: x509.Certificate) -> str:
    digest = certificate.signature_hash_algorithm
    kind = "RSA" if isinstance(certificate.public_key(), rsa.RSAPublicKey) else "ECDSA"
    return f"{digest.name.upper()}with{kind}" if digest else kind


def _describe(key: Any) -> str:
    kind = "RSA" if isinstance(key, rsa.RSAPublicKey) else "EC"
    return f"{kind} Public Key, {key.key_size} bits" if hasattr(key, "key_size") else kind


def _public(key: Any) -> bytes:
    return key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)


def _key_pem(key: Any) -> bytes:
    return key.private_bytes(PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
