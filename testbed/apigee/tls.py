# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""TLS with targets as Apigee does it: what a target server states, what it leads to, and whether a certificate is good.

Sources: Apigee "Options for configuring TLS" (Enforce, IgnoreValidationErrors, TLS 1.0 and 1.1), apigee.v1 discovery
document, TlsInfo (with SNI a wrong name cannot be ignored), endpoint configuration reference (CommonName). As Java's
PKIX does, every certificate of a truststore is an anchor, an intermediate or a leaf too. Without a truststore the
authorities of the system stand for the JDK's. Assumed: without Enforce and IgnoreValidationErrors a bad chain fails.
"""
from __future__ import annotations

import ipaddress
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from cryptography import x509
from cryptography.x509.oid import NameOID

from testbed.apigee.certificates import load_chain

_REF = "ref://"
_VERSIONS = {"TLSv1.2": ssl.TLSVersion.TLSv1_2, "TLSv1.3": ssl.TLSVersion.TLSv1_3}
_NO_PROTOCOL = "No appropriate protocol (protocol is disabled or cipher suites are inappropriate)"


class TlsUnusable(Exception):
    """The settings cannot lead to a handshake; the text says why, as the fault shows it."""


@dataclass(frozen=True)
class TlsInfo:
    """What a target server's ``sSLInfo`` or a target endpoint's ``SSLInfo`` states: names, not what they lead to."""

    enforce: bool = False
    ignore_validation_errors: bool = False
    trust_store: str = ""
    client_auth: bool = False
    key_store: str = ""
    key_alias: str = ""
    protocols: tuple[str, ...] = ()
    ciphers: tuple[str, ...] = ()
    common_name: str = ""
    wildcard_match: bool = False

    @classmethod
    def from_json(cls, stated: Mapping[str, Any] | None) -> TlsInfo | None:
        """None where TLS is off."""
        if not stated or not stated.get("enabled"):
            return None
        name = stated.get("commonName") or {}
        return cls(bool(stated.get("enforce")), bool(stated.get("ignoreValidationErrors")),
                   stated.get("trustStore") or "", bool(stated.get("clientAuthEnabled")), stated.get("keyStore") or "",
                   stated.get("keyAlias") or "", tuple(stated.get("protocols") or ()),
                   tuple(stated.get("ciphers") or ()), name.get("value") or "", bool(name.get("wildcardMatch")))

    @property
    def verifies(self) -> bool:
        """Whether chain and expiry count. Enforce wins over IgnoreValidationErrors."""
        return self.enforce or not self.ignore_validation_errors


@dataclass(frozen=True)
class TlsSettings:
    """TLS as it is to be done now; connections with equal settings may be shared.

    ``trusted`` is PEM, None for the system's authorities; ``client`` is certificates and key.
    """

    info: TlsInfo
    trusted: str | None = None
    client: tuple[str, str] | None = field(default=None, repr=False)

    def context(self) -> ssl.SSLContext:
        """Raises TlsUnusable. The host name is checked by :func:`wrong_name`, since a CommonName may stand for it."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_REQUIRED if self.info.verifies else ssl.CERT_NONE
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
        _restrict(context, self.info)
        try:
            if self.trusted is None:
                context.load_default_certs()
            elif self.trusted:
                context.load_verify_locations(cadata=self.trusted)
            if self.client:
                certificates, key = self.client
                load_chain(context, (key + certificates).encode())
        except ssl.SSLError as error:
            raise TlsUnusable(f"a certificate cannot be used: {error.reason or error}") from error
        return context


class Keystores:
    """Keystores and references of one environment. Source of the shape: testbed.google.services.apigee.tls_material."""

    def __init__(self, environment: str = "", keystores: Mapping[str, Any] | None = None,
                 references: Mapping[str, Any] | None = None) -> None:
        self._environment = environment
        self._keystores = keystores or {}
        self._references = references or {}

    def settings(self, info: TlsInfo) -> TlsSettings:
        """What the names lead to now. Raises TlsUnusable."""
        trusted, client = None, None
        if info.trust_store:
            store = self._follow(info.trust_store, "truststore")
            trusted = "".join(alias["certificates"] for _name, alias in sorted(store.items()))
        if info.client_auth:
            alias = self._follow(info.key_store, "keystore").get(info.key_alias)
            if alias is None or not alias.get("key"):
                raise TlsUnusable(f"keystore {info.key_store} has no alias {info.key_alias} with a private key")
            client = (alias["certificates"], alias["key"])
        return TlsSettings(info, trusted, client)

    def _follow(self, name: str, what: str) -> Mapping[str, Any]:
        keystore = name
        if name.startswith(_REF):
            reference = self._references.get(name.removeprefix(_REF))
            keystore = reference["refers"] if reference else ""
        if keystore not in self._keystores:
            raise TlsUnusable(f"{what} {name} does not exist in environment {self._environment}")
        return self._keystores[keystore]


def without_keys(content: Mapping[str, Any]) -> dict[str, Any]:
    """An environment's part of a configuration as it may be shown: keys left out."""
    shown = dict(content)
    if "keystores" in content:
        shown["keystores"] = {
            name: {alias: {key: value for key, value in held.items() if key != "key"} for alias, held in store.items()}
            for name, store in content["keystores"].items()}
    return shown


def wrong_name(certificate: x509.Certificate, host: str, info: TlsInfo) -> str:
    """Why a certificate is not for this host, in Java's words; "" if it is."""
    names, common_name = _names(certificate), _common_name(certificate)
    if info.common_name:
        # Compared with the certificate's common name, exactly or as a pattern; with its other names if it has none.
        candidates = [common_name] if common_name else [str(name) for name in names]
        good = any(_matches(info.common_name, each) if info.wildcard_match else each.lower() == info.common_name.lower()
                   for each in candidates)
        return "" if good else f"java.security.cert.CertificateException: No name matching {info.common_name} found"
    try:
        address = ipaddress.ip_address(host)
        return "" if address in names else ("java.security.cert.CertificateException: No subject alternative names "
                                            f"matching IP address {host} found")
    except ValueError:
        pass
    dns = [name for name in names if isinstance(name, str)]
    if dns:
        return "" if any(_matches(name, host) for name in dns) else (
            f"java.security.cert.CertificateException: No subject alternative DNS name matching {host} found")
    return "" if common_name and _matches(common_name, host) else (
        f"java.security.cert.CertificateException: No name matching {host} found")


def _names(certificate: x509.Certificate) -> list[Any]:
    """DNS names (str) and addresses of the subject alternative names."""
    try:
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return []
    return [*found.get_values_for_type(x509.DNSName), *found.get_values_for_type(x509.IPAddress)]


def _common_name(certificate: x509.Certificate) -> str:
    found = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(found[0].value) if found else ""


def _matches(pattern: str, host: str) -> bool:
    """A star stands for one whole label, the first (RFC 6125)."""
    pattern, host = pattern.lower().rstrip("."), host.lower().rstrip(".")
    if not pattern.startswith("*."):
        return pattern == host
    _first, dot, rest = host.partition(".")
    return bool(dot) and pattern[2:] == rest


def describe(certificate: x509.Certificate) -> dict[str, Any]:
    """A target's certificate for the trace."""
    return {"subject": certificate.subject.rfc4514_string() or None, "issuer": certificate.issuer.rfc4514_string(),
            "names": [str(name) for name in _names(certificate)],
            "expires": certificate.not_valid_after_utc.isoformat()}


def _restrict(context: ssl.SSLContext, info: TlsInfo) -> None:
    """Versions and cipher suites. TLS 1.0 and 1.1 are not spoken, whatever is stated."""
    versions = {_VERSIONS[name] for name in info.protocols or _VERSIONS if name in _VERSIONS}
    modern = [name for name in info.ciphers if "_WITH_" not in name]
    older = [_openssl_name(name) for name in info.ciphers if "_WITH_" in name]
    if info.ciphers and not modern:
        versions.discard(ssl.TLSVersion.TLSv1_3)
    if info.ciphers and not older:
        versions.discard(ssl.TLSVersion.TLSv1_2)
    if not versions:
        raise TlsUnusable(_NO_PROTOCOL)
    context.minimum_version, context.maximum_version = min(versions), max(versions)
    if older:
        try:
            context.set_ciphers(":".join(older))
        except ssl.SSLError as error:
            raise TlsUnusable(_NO_PROTOCOL) from error


def _openssl_name(java: str) -> str:
    """``TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256`` -> ``ECDHE-RSA-AES128-GCM-SHA256``."""
    exchange, _with, cipher = java.removeprefix("TLS_").partition("_WITH_")
    cipher = cipher.replace("AES_128", "AES128").replace("AES_256", "AES256").replace("_CBC", "")
    cipher = cipher.replace("CHACHA20_POLY1305_SHA256", "CHACHA20-POLY1305")
    return "-".join(part for part in ("" if exchange == "RSA" else exchange, cipher) if part).replace("_", "-")
