# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What can go into an alias: PEM files, a PKCS #12 file, or a certificate that Google makes. Private to the collection.

Each says what is known of its certificates beforehand and what the upload looks like (apigee.v1, aliases.create).
Passwords stand in the body, never in the address.
"""

from __future__ import annotations

import base64
import binascii
import dataclasses
import hashlib
import json
import typing as t

from . import certificates
from .certificates import Certificate

Options = dict[str, t.Any]

#: Options of the subject, as CertificateGenerationSpec names them (Terraform's self-signed alias; no discovery schema).
SUBJECT = {
    "common_name": "commonName",
    "organization": "org",
    "organizational_unit": "orgUnit",
    "locality": "locality",
    "state": "state",
    "country": "countryCode",
    "email": "email",
}


@dataclasses.dataclass(frozen=True)
class Upload:
    """The body of a create: ``format`` for the query, the content and its type."""

    format: str
    content: bytes
    content_type: str


@dataclasses.dataclass(frozen=True)
class Content:
    """A chain that is known beforehand, and whether a private key comes with it."""

    chain: tuple[Certificate, ...]
    keyed: bool

    def upload(self) -> Upload:
        """What a create sends."""
        raise NotImplementedError

    def certificate(self) -> str:
        """The chain as PEM, which is all that an update can replace."""
        return "".join(one.pem for one in self.chain)


@dataclasses.dataclass(frozen=True)
class Pem(Content):
    """Certificate and key as PEM texts, sent as they were stated."""

    text: str
    key: str | None = dataclasses.field(default=None, repr=False)
    password: str | None = dataclasses.field(default=None, repr=False)

    def upload(self) -> Upload:
        parts = {"certFile": self.text.encode("utf-8")}
        if self.key:
            parts["keyFile"] = self.key.encode("utf-8")
        return Upload("keycertfile", *form(parts, self.password))

    def certificate(self) -> str:
        """As it was stated."""
        return self.text


@dataclasses.dataclass(frozen=True)
class Pkcs12(Content):
    """A PKCS #12 file. It is opened here to know its certificates, and sent as it is."""

    data: bytes = dataclasses.field(repr=False)
    password: str | None = dataclasses.field(default=None, repr=False)

    def upload(self) -> Upload:
        return Upload("pkcs12", *form({"file": self.data}, self.password))


@dataclasses.dataclass(frozen=True)
class SelfSigned(Content):
    """A key that Google makes and never shows, with a certificate that it signs itself."""

    specification: Options

    def upload(self) -> Upload:
        stated = self.specification
        body: Options = {"subject": {SUBJECT[name]: value for name, value in stated["subject"].items()}}
        if stated.get("key_size"):
            body["keySize"] = str(stated["key_size"])
        if stated.get("signature_algorithm"):
            body["sigAlg"] = stated["signature_algorithm"]
        if stated.get("validity_days"):
            body["certValidityInDays"] = stated["validity_days"]
        if stated.get("dns_name"):
            body["subjectAlternativeDnsNames"] = {"subjectAlternativeName": stated["dns_name"]}
        return Upload("selfsignedcert", json.dumps(body, sort_keys=True).encode("utf-8"), "application/json")

    def made(self, found: Certificate) -> list[tuple[str, t.Any, t.Any]]:
        """How a certificate that is there differs from what is stated: field, found, wanted."""
        wanted = f"CN={self.specification['subject']['common_name']}"
        differing: list[tuple[str, t.Any, t.Any]] = []
        if found.subject != wanted:
            differing.append(("self_signed.subject.common_name", found.subject[3:], wanted[3:]))
        name = self.specification.get("dns_name")
        if name and name not in found.names:
            differing.append(("self_signed.dns_name", ", ".join(found.names), name))
        if found.issuer != found.subject:
            differing.append(("self_signed", f"issued by {found.issuer}", "signed by itself"))
        if found.expired():
            differing.append(("self_signed", f"expired {found.expires:%Y-%m-%d}", "valid"))
        return differing


def read(options: Options) -> Content:
    """The content that options state. Raises ValueError with a sentence that names the option."""
    key, password = options.get("private_key"), options.get("private_key_password")
    if options.get("self_signed"):
        if not (options["self_signed"].get("subject") or {}).get("common_name"):
            raise ValueError("self_signed needs subject.common_name.")
        return SelfSigned((), True, options["self_signed"])
    if options.get("pkcs12"):
        return _pkcs12(options["pkcs12"], password)
    try:
        chain = certificates.read(options.get("certificate") or "")
    except ValueError as error:
        raise ValueError(f"certificate: {error}. State the PEM text, its own certificate first.") from error
    if key is not None and "PRIVATE KEY-----" not in key:
        raise ValueError("private_key is no PEM private key (-----BEGIN PRIVATE KEY-----).")
    return Pem(tuple(chain), bool(key), options["certificate"], key, password)


def _pkcs12(text: str, password: str | None) -> Pkcs12:
    try:
        data = base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("pkcs12 is no Base64 text: read the file with the filter b64encode.") from None
    try:
        from cryptography.hazmat.primitives.serialization import Encoding, pkcs12
    except ImportError:
        raise ValueError(
            "pkcs12 needs the Python package cryptography where the module runs. Install it, or state certificate and "
            "private_key instead (openssl pkcs12 -in FILE -nodes)."
        ) from None
    try:
        key, own, others = pkcs12.load_key_and_certificates(data, password.encode("utf-8") if password else None)
    except ValueError:
        # Its text could quote what the file holds.
        raise ValueError(
            "pkcs12 cannot be opened: it is no PKCS #12 file, or private_key_password is not its password."
        ) from None
    if key is None or own is None:
        raise ValueError("pkcs12 must hold a private key and its certificate; a certificate alone goes in certificate.")
    pem = b"".join(one.public_bytes(Encoding.PEM) for one in (own, *others)).decode("ascii")
    return Pkcs12(tuple(certificates.read(pem)), True, data, password)


def form(parts: dict[str, bytes], password: str | None = None) -> tuple[bytes, str]:
    """A multipart form of files, with the password as a field of its own; its content and its type."""
    boundary = "alias-" + hashlib.sha256(b"".join(parts.values())).hexdigest()
    chunks = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"; filename="{name}"\r\n'
        "Content-Type: application/octet-stream\r\n\r\n".encode("ascii")
        + value
        + b"\r\n"
        for name, value in parts.items()
    ]
    if password:
        head = f'--{boundary}\r\nContent-Disposition: form-data; name="password"\r\n\r\n'
        chunks.append(head.encode("ascii") + password.encode("utf-8") + b"\r\n")
    return b"".join(chunks) + f"--{boundary}--\r\n".encode("ascii"), f"multipart/form-data; boundary={boundary}"
