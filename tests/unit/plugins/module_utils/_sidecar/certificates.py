# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A folder of certificates as kubelet keeps it: every change of a Secret is one exchange of a link."""

from __future__ import annotations

import datetime
import ipaddress
import os
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


class Folder:
    """``path`` holds the pair after the first ``renew``; ``authority`` is the file of the authority's certificate."""

    def __init__(self, root: Path) -> None:
        self.path = root / "certificate"
        self.path.mkdir()
        self.authority = root / "authority.crt"
        self.serial = 0
        self.expires = 0.0
        self._version = 0
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "authority of this test")])
        made = self._signed(self._name, self._key, authority=True)
        self.authority.write_bytes(made.public_bytes(serialization.Encoding.PEM))

    def renew(self, *, matching: bool = True) -> None:
        """A new pair, or a certificate and the key of another."""
        key = ec.generate_private_key(ec.SECP256R1())
        made = self._signed(x509.Name([]), key, authority=False)
        if matching:
            self.serial, self.expires = made.serial_number, made.not_valid_after_utc.timestamp()
        else:
            key = ec.generate_private_key(ec.SECP256R1())
        self._version += 1
        files = self.path / f"..{self._version}"
        files.mkdir()
        (files / "tls.crt").write_bytes(made.public_bytes(serialization.Encoding.PEM))
        (files / "tls.key").write_bytes(key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
        link = self.path / "..new"
        link.symlink_to(files.name)
        os.replace(link, self.path / "..data")
        for name in ("tls.crt", "tls.key"):
            if not (self.path / name).is_symlink():
                (self.path / name).symlink_to(f"..data/{name}")

    def _signed(self, subject: x509.Name, key: ec.EllipticCurvePrivateKey, *, authority: bool) -> x509.Certificate:
        now = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0)
        names = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
        builder = (
            x509.CertificateBuilder().subject_name(subject).issuer_name(self._name).public_key(key.public_key())
            .serial_number(x509.random_serial_number()).not_valid_before(now - datetime.timedelta(hours=1))
            .not_valid_after(now + datetime.timedelta(days=1))
            .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        )  # fmt: skip
        if not authority:
            builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=True)
        return builder.sign(self._key, hashes.SHA256())
