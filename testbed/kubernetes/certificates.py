# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The certificates of a cluster: its authority, its servers, and clients named as Kubernetes' default RBAC expects.

Elliptic keys: a whole set takes some twenty milliseconds. The authorities and the service account key are made once
and kept, because kubeconfigs and tokens outlive a restart. Everything else is signed anew at each start, so that
changed addresses and names need no bookkeeping.
"""
from __future__ import annotations

import datetime
import ipaddress
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from .identities import CLIENTS
from .spec import NodeSpec

LIFETIME = datetime.timedelta(days=3650)
#: Clocks of virtual machines jump; a certificate that starts a little in the past still works then.
BACKDATED = datetime.timedelta(hours=1)

@dataclass(frozen=True)
class Authority:
    """A certificate authority: signs, and knows where its own certificate lies."""

    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate
    path: Path


def _write(path: Path, data: bytes, mode: int = 0o600) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    with os.fdopen(handle, "wb") as stream:
        stream.write(data)


def _key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())


def _name(common_name: str, organizations: Sequence[str] = ()) -> x509.Name:
    return x509.Name([*(x509.NameAttribute(NameOID.ORGANIZATION_NAME, each) for each in organizations),
                      x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _builder(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.timezone.utc)
    return (x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - BACKDATED).not_valid_after(now + LIFETIME))


def _usage(*, authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True, key_cert_sign=authority, crl_sign=authority, content_commitment=False,
        key_encipherment=False, data_encipherment=False, key_agreement=False, encipher_only=False, decipher_only=False)


def load_or_make_authority(folder: Path, name: str, common_name: str) -> Authority:
    """The authority ``<name>.crt`` and ``<name>.key`` in the folder; made when either is missing."""
    certificate_path, key_path = folder / f"{name}.crt", folder / f"{name}.key"
    if certificate_path.exists() and key_path.exists():
        key = serialization.load_pem_private_key(key_path.read_bytes(), None)
        assert isinstance(key, ec.EllipticCurvePrivateKey)
        return Authority(key, x509.load_pem_x509_certificate(certificate_path.read_bytes()), certificate_path)
    key = ec.generate_private_key(ec.SECP256R1())
    subject = _name(common_name)
    certificate = (
        _builder(subject, subject, key.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(_usage(authority=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256()))
    _write(key_path, _key_pem(key))
    _write(certificate_path, certificate.public_bytes(serialization.Encoding.PEM), 0o644)
    return Authority(key, certificate, certificate_path)


def alternative_names(names: Iterable[str]) -> list[x509.GeneralName]:
    """Addresses become IP entries and the rest DNS entries, each once, in the given order."""
    entries: list[x509.GeneralName] = []
    for text in dict.fromkeys(names):
        try:
            entries.append(x509.IPAddress(ipaddress.ip_address(text)))
        except ValueError:
            entries.append(x509.DNSName(text))
    return entries


def issue(authority: Authority, folder: Path, name: str, common_name: str, *, organizations: Sequence[str] = (),
          hosts: Sequence[str] = ()) -> None:
    """Write ``<name>.crt`` and ``<name>.key``: a server's certificate when it has hosts, else a client's."""
    key = ec.generate_private_key(ec.SECP256R1())
    purpose = ExtendedKeyUsageOID.SERVER_AUTH if hosts else ExtendedKeyUsageOID.CLIENT_AUTH
    builder = (
        _builder(_name(common_name, organizations), authority.certificate.subject, key.public_key())
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(authority=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.key.public_key()), critical=False))
    if hosts:
        builder = builder.add_extension(x509.SubjectAlternativeName(alternative_names(hosts)), critical=False)
    certificate = builder.sign(authority.key, hashes.SHA256())
    _write(folder / f"{name}.key", _key_pem(key))
    _write(folder / f"{name}.crt", certificate.public_bytes(serialization.Encoding.PEM), 0o644)


def api_server_hosts(spec: NodeSpec) -> list[str]:
    """Every name and address by which the API server is called."""
    return [*spec.api_addresses, spec.node_ip, spec.kubernetes_service_ip, "127.0.0.1", "localhost", spec.name,
            "kubernetes", "kubernetes.default", "kubernetes.default.svc",
            f"kubernetes.default.svc.{spec.cluster_domain}"]


def prepare(spec: NodeSpec, folder: Path) -> None:
    """Bring the folder of certificates of a cluster up to its spec."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    authority = load_or_make_authority(folder, "ca", f"{spec.name} cluster")
    front_proxy = load_or_make_authority(folder, "front-proxy-ca", f"{spec.name} front proxy")
    if not (folder / "service-account.key").exists():
        key = ec.generate_private_key(ec.SECP256R1())
        _write(folder / "service-account.pub", key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo), 0o644)
        _write(folder / "service-account.key", _key_pem(key))
    issue(authority, folder, "apiserver", "kube-apiserver", hosts=api_server_hosts(spec))
    issue(authority, folder, "kubelet-server", f"system:node:{spec.name}", organizations=["system:nodes"],
          hosts=[spec.name, spec.node_ip, "127.0.0.1"])
    for name, (common_name, organizations) in CLIENTS.items():
        issue(authority, folder, name, common_name.format(node=spec.name), organizations=organizations)
    issue(front_proxy, folder, "front-proxy", "front-proxy-client")
