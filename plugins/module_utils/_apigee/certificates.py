# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What of a certificate is compared and shown, read with the standard library alone. Private to the collection.

Nothing is verified here: Google refuses what is no certificate, and the two ends of a connection verify the rest.
"""

from __future__ import annotations

import base64
import binascii
import dataclasses
import datetime
import hashlib
import re
import typing as t

_BLOCK = re.compile(r"-----BEGIN CERTIFICATE-----(.+?)-----END CERTIFICATE-----", re.DOTALL)
_COMMON_NAME = bytes.fromhex("0603550403")
_ALTERNATIVE_NAMES = bytes.fromhex("0603551d11")
_CONTEXT_0, _EXTENSIONS, _DNS_NAME, _UTC_TIME = 0xA0, 0xA3, 0x82, 0x17


@dataclasses.dataclass(frozen=True)
class Certificate:
    """One certificate.

    ``fingerprint`` is SHA-256 in hex; ``public_key`` the encoded SubjectPublicKeyInfo; ``names`` its DNS names.
    """

    pem: str
    fingerprint: str
    subject: str
    issuer: str
    expires: datetime.datetime
    public_key: bytes
    names: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        """For people: ``CN=shop CA, expires 2036-11-18, SHA-256 1a2b3c4d``."""
        return f"{self.subject}, expires {self.expires:%Y-%m-%d}, SHA-256 {self.fingerprint[:8]}"

    def expired(self, now: datetime.datetime | None = None) -> bool:
        """Whether its time is over."""
        return self.expires <= (now or datetime.datetime.now(datetime.timezone.utc))


def read(text: str) -> list[Certificate]:
    """The certificates in PEM text, in order. Raises ValueError when there is none, or one cannot be read."""
    blocks = _BLOCK.findall(text or "")
    if not blocks:
        raise ValueError("it holds no PEM certificate (-----BEGIN CERTIFICATE-----)")
    return [_certificate(block) for block in blocks]


def distinct(texts: t.Iterable[str]) -> list[Certificate]:
    """The certificates of several texts, each once, in order of their fingerprints. Raises ValueError."""
    found = {certificate.fingerprint: certificate for text in texts for certificate in read(text)}
    return [found[fingerprint] for fingerprint in sorted(found)]


def digest(certificates: t.Iterable[Certificate]) -> str:
    """SHA-256 in hex over a set of certificates, whatever their order."""
    return hashlib.sha256("\n".join(sorted(one.fingerprint for one in certificates)).encode("ascii")).hexdigest()


def _certificate(block: str) -> Certificate:
    try:
        data = base64.b64decode("".join(block.split()), validate=True)
        (outer,) = _items(data)
        fields = [item for item in _items(_items(outer[1])[0][1]) if item[0] != _CONTEXT_0]
        # serialNumber, signature, issuer, validity, subject, subjectPublicKeyInfo (RFC 5280 section 4.1)
        _serial, _signature, issuer, validity, subject, key = fields[:6]
        expires = _time(*_items(validity[1])[1][:2])
        own, its_issuer = _name(subject[1]), _name(issuer[1])
        names = tuple(name for item in fields[6:] if item[0] == _EXTENSIONS for name in _dns_names(item[1]))
    except (ValueError, IndexError, binascii.Error, UnicodeDecodeError) as error:
        raise ValueError(f"a PEM block in it is no certificate: {error}") from error
    lines = [base64.b64encode(data).decode("ascii")[at : at + 64] for at in range(0, -(-len(data) // 3) * 4, 64)]
    pem = "\n".join(["-----BEGIN CERTIFICATE-----", *lines, "-----END CERTIFICATE-----", ""])
    return Certificate(pem, hashlib.sha256(data).hexdigest(), own, its_issuer, expires, key[2], names)


def _items(data: bytes) -> list[tuple[int, bytes, bytes]]:
    """The DER values in ``data``: tag, content, and the whole with its header. Raises ValueError when cut short."""
    found = []
    at = 0
    while at < len(data):
        tag, size, body = data[at], data[at + 1], at + 2
        if size & 0x80:
            body += size & 0x7F
            size = int.from_bytes(data[at + 2 : body], "big")
        if body + size > len(data):
            raise ValueError("it is cut short")
        found.append((tag, data[body : body + size], data[at : body + size]))
        at = body + size
    return found


def _name(data: bytes) -> str:
    """``CN=...`` of a distinguished name, or that it has none."""
    for _tag, group, _whole in _items(data):
        for _inner, content, _entry in _items(group):
            if content.startswith(_COMMON_NAME):
                return "CN=" + _items(content)[1][1].decode("utf-8")
    return "no common name"


def _dns_names(data: bytes) -> list[str]:
    """The DNS names among the extensions (RFC 5280 section 4.2.1.6)."""
    for _tag, extension, _whole in _items(_items(data)[0][1]):
        if extension.startswith(_ALTERNATIVE_NAMES):
            names = _items(_items(_items(extension)[-1][1])[0][1])
            return [content.decode("ascii") for tag, content, _entry in names if tag == _DNS_NAME]
    return []


def _time(tag: int, data: bytes) -> datetime.datetime:
    text = data.decode("ascii").rstrip("Z")
    if tag == _UTC_TIME:
        text = ("19" if int(text[:2]) >= 50 else "20") + text
    return datetime.datetime.strptime(text, "%Y%m%d%H%M%S").replace(tzinfo=datetime.timezone.utc)
