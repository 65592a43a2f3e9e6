# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Certificates for tests: an authority that issues what a good one never would (expired, other names, later)."""
from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass, field

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

PEM = serialization.Encoding.PEM


def name_of(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)] if common_name else [])


@dataclass
class Leaf:
    """A certificate with its key, both as PEM text."""

    certificate: str
    key: str

    @property
    def pair(self) -> str:
        """Key and certificate in one file."""
        return self.key + self.certificate


@dataclass
class TestAuthority:
    """A certificate authority in memory; ``parent`` makes it an intermediate one."""

    __test__ = False
    name: str = "shop CA"
    parent: TestAuthority | None = None
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    certificate: x509.Certificate = field(init=False)

    def __post_init__(self) -> None:
        signer = self.parent or self
        issuer = name_of(signer.name)
        self.certificate = _signed(name_of(self.name), issuer, self.key, signer.key, days=(-1, 365), authority=True)

    @property
    def pem(self) -> str:
        return self.certificate.public_bytes(PEM).decode()

    def issue(self, names: Sequence[str] = (), *, common_name: str = "", days: tuple[float, float] = (-1, 90)) -> Leaf:
        """A leaf for DNS names, valid from and until so many days from now."""
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = _signed(name_of(common_name), name_of(self.name), key, self.key, days=days, names=names)
        private = key.private_bytes(PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        return Leaf(certificate.public_bytes(PEM).decode(), private.decode())


def _signed(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey,
            signer: ec.EllipticCurvePrivateKey, *, days: tuple[float, float], names: Sequence[str] = (),
            authority: bool = False) -> x509.Certificate:
    now = datetime.datetime.now(datetime.UTC)
    builder = x509.CertificateBuilder(
        issuer, subject, key.public_key(), x509.random_serial_number(), now + datetime.timedelta(days=days[0]),
        now + datetime.timedelta(days=days[1]))
    builder = builder.add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
    builder = builder.add_extension(
        x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
    builder = builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(name) for name in names]), False)
    return builder.sign(signer, hashes.SHA256())
