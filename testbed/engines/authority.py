# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Certificates for the engines, and folders that hold them as the kubelet mounts a Secret: swapped as a whole."""
from __future__ import annotations

import datetime
import os
import ssl
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

NAME = "orders.shop.svc.gke.acme.internal"


@dataclass(frozen=True)
class Pair:
    """A certificate and its key as PEM."""

    certificate: bytes
    key: bytes

    @property
    def serial(self) -> int:
        return x509.load_pem_x509_certificate(self.certificate).serial_number


class Authority:
    """A root that signs leaves."""

    def __init__(self, name: str) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self._root = self._sign(self._name, self._key, 3600, x509.BasicConstraints(ca=True, path_length=0))
        self.pem = self._root.public_bytes(serialization.Encoding.PEM)

    def _sign(self, subject, key, seconds, *extensions):
        now = datetime.datetime.now(datetime.timezone.utc)
        builder = x509.CertificateBuilder(
            issuer_name=self._name, subject_name=subject, public_key=key.public_key(),
            serial_number=x509.random_serial_number(), not_valid_before=now - datetime.timedelta(hours=1),
            not_valid_after=now + datetime.timedelta(seconds=seconds))
        for extension in extensions:
            builder = builder.add_extension(extension, critical=isinstance(extension, x509.BasicConstraints))
        return builder.sign(self._key, hashes.SHA256())

    def leaf(self, *names: str, seconds: float = 3600) -> Pair:
        """A leaf for DNS names that ends in ``seconds``."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0])])
        alternatives = x509.SubjectAlternativeName([x509.DNSName(name) for name in names])
        found = self._sign(subject, key, seconds, alternatives, x509.BasicConstraints(ca=False, path_length=None))
        return Pair(found.public_bytes(serialization.Encoding.PEM), key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))


class SecretFolder:
    """A folder with the links and the atomic swap of the kubelet (pkg/volume/util/atomic_writer.go)."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._generation = 0
        path.mkdir(parents=True)
        path.chmod(0o755)

    def write(self, **files: bytes) -> None:
        """Put all files in place at once; names with ``_`` for ``.``."""
        self._generation += 1
        data = self.path / f"..generation-{self._generation}"
        data.mkdir()
        for name, content in files.items():
            (data / name.replace("_", ".")).write_bytes(content)
            link = self.path / name.replace("_", ".")
            if not link.is_symlink():
                link.symlink_to(f"..data/{link.name}")
        following = self.path / "..data_tmp"
        following.symlink_to(data.name)
        os.rename(following, self.path / "..data")

    def pair(self, pair: Pair, authority: Authority) -> None:
        """As cert-manager fills a Secret."""
        self.write(tls_crt=pair.certificate, tls_key=pair.key, ca_crt=authority.pem)


def client_context(authority: Authority, folder: Path, pair: Pair | None = None, alpn: str = "http/1.1",
                   ) -> ssl.SSLContext:
    """Verifies chain and name as Apigee does with Enforce; offers one protocol; shows ``pair`` when asked."""
    context = ssl.create_default_context(cadata=authority.pem.decode())
    # The test's root has no key identifiers, which strict checking of newer Pythons wants.
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    context.set_alpn_protocols([alpn])
    if pair:
        file = folder / f"client-{pair.serial}.pem"
        file.write_bytes(pair.certificate + pair.key)
        context.load_cert_chain(file)
    return context
