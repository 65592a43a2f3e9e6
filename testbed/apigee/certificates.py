# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Server certificates of the northbound listener: one for each host name asked for, signed when first asked."""
from __future__ import annotations

import os
import ssl
import tempfile
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from testbed.certificates import Authority


def server_context(certificate_file: Path, key_file: Path, address: str) -> ssl.SSLContext:
    """TLS settings from a certificate and key: an authority's sign one per host name, others are shown as they are.

    ``address`` is named in the certificate for clients that send no host name. Raises OSError and ValueError.
    """
    certificate = x509.load_pem_x509_certificate(certificate_file.read_bytes())
    if not _is_authority(certificate):
        context = _context()
        context.load_cert_chain(certificate_file, key_file)
        return context
    key = serialization.load_pem_private_key(key_file.read_bytes(), password=None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise ValueError(f"{key_file} is not an elliptic curve key")
    return _issuing_context(Authority(certificate_file.parent, certificate, key), address)


def _is_authority(certificate: x509.Certificate) -> bool:
    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except x509.ExtensionNotFound:
        return False


def _issuing_context(authority: Authority, address: str) -> ssl.SSLContext:
    issued: dict[str, ssl.SSLContext] = {}

    def choose(connection: ssl.SSLObject, name: str | None, _default: ssl.SSLContext) -> int | None:
        if not name:
            return None
        if name not in issued:
            try:
                issued[name] = _leaf_context(authority, name)
            except ValueError:
                # Not a host name at all: the client gets an alert instead of a certificate.
                return ssl.ALERT_DESCRIPTION_UNRECOGNIZED_NAME
        connection.context = issued[name]
        return None

    context = _leaf_context(authority, address)
    context.sni_callback = choose
    return context


def _leaf_context(authority: Authority, name: str) -> ssl.SSLContext:
    certificate, key = authority.issue([name])
    context = _context()
    load_chain(context, key + certificate)
    return context


def load_chain(context: ssl.SSLContext, pem: bytes) -> None:
    """Give a context a private key and its certificates. Raises ssl.SSLError when they do not fit."""
    # The ssl module reads chains only from files; this one is the owner's alone and gone at once.
    handle, path = tempfile.mkstemp(prefix="apigee-", suffix=".pem")
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(pem)
        context.load_cert_chain(path)
    finally:
        os.unlink(path)


def _context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    return context
