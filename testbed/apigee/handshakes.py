# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Handshakes with targets: what is seen of them, and the text of Apigee's fault for each way in which they fail.

The texts are Java's, as Apigee's playbook "503 Service Unavailable - SSL Handshake Failure" and its known issue
432315283 show them; where no page shows one, it is the JDK's own message.
"""
from __future__ import annotations

import ssl

import aiohttp
from cryptography import x509

from testbed.apigee.tls import TlsInfo, wrong_name
from testbed.apigee.trace import Attempt

_UNTRUSTED = ("sun.security.provider.certpath.SunCertPathBuilderException: unable to find valid certification path to "
              "requested target")
_HANDSHAKE, _CERTIFICATE, _CERTIFICATE_REQUEST = 22, 11, 13
_NOT_YET_VALID, _EXPIRED = 9, 10
# Self-signed, unknown issuer, issuer missing: OpenSSL's X509_V_ERR_*.
_UNTRUSTED_CODES = frozenset((2, 18, 19, 20, 21))


class HandshakeFailed(ssl.SSLError):
    """A handshake that the other side took for done and this side does not accept; ``reason`` is the fault's text."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text


def watch(context: ssl.SSLContext, attempt_of) -> None:
    """Remember the certificate that a target shows, also when the handshake fails; ``attempt_of()`` is the attempt."""

    def message(_connection, direction, version, content_type, message_type, data) -> None:
        attempt = attempt_of()
        if attempt is None or direction != "read" or int(content_type) != _HANDSHAKE:
            return
        if int(message_type) == _CERTIFICATE:
            attempt.certificate = _leaf(data, int(version) == 0x0304)
        attempt.asked_for_certificate |= int(message_type) == _CERTIFICATE_REQUEST

    # The only way to see the certificate of a handshake that fails; undocumented, in ssl since Python 3.8.
    context._msg_callback = message


def _leaf(message: bytes, version_1_3: bool) -> bytes | None:
    """The first certificate (DER) of a Certificate message (RFC 8446 section 4.4.2, RFC 5246 section 7.4.2)."""
    at = 4 + (1 + message[4] if version_1_3 else 0) + 3
    size = int.from_bytes(message[at:at + 3], "big")
    return message[at + 3:at + 3 + size] or None


def accept(attempt: Attempt | None, connection: ssl.SSLObject, host: str, info: TlsInfo) -> None:
    """Note what was agreed. Raises HandshakeFailed when the certificate is for another host."""
    data = connection.getpeercert(binary_form=True)
    certificate = x509.load_der_x509_certificate(data) if data else None
    trouble = wrong_name(certificate, host, info) if certificate is not None else "no certificate"
    if attempt is not None:
        attempt.certificate = data
        attempt.tls = {"protocol": connection.version(), "cipher": (connection.cipher() or ("",))[0],
                       "verified": info.verifies and not trouble}
    if trouble:
        raise HandshakeFailed(trouble)


def failure(error: BaseException, attempt: Attempt) -> str | None:
    """The text of SslHandshakeFailed for an exception of the client library; None when it was not the handshake."""
    cause = _tls_error(error)
    if isinstance(cause, HandshakeFailed):
        return cause.text
    if isinstance(cause, ssl.SSLCertVerificationError):
        return _verification(cause, attempt)
    if cause is not None:
        return _protocol(cause)
    lost = error.os_error if isinstance(error, aiohttp.ClientConnectorError) else None
    if isinstance(lost, (ConnectionResetError, ConnectionAbortedError, BrokenPipeError, EOFError)):
        return "Remote host terminated the handshake"
    if attempt.asked_for_certificate and attempt.pooled is False and isinstance(
            error, (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError)):
        # In TLS 1.3 a server judges the client's certificate after the client is done; its alert can be lost when it
        # closes while the request is on its way.
        return "Remote host terminated the handshake, in which it had asked for a client certificate"
    return None


def _tls_error(error: BaseException | None) -> ssl.SSLError | None:
    """The TLS error in a chain of exceptions; TLS 1.3 tells some only after the handshake, at the first read."""
    seen_already: set[int] = set()
    while error is not None and id(error) not in seen_already:
        seen_already.add(id(error))
        # aiohttp's own classes are TLS errors too, but without what OpenSSL said.
        if isinstance(error, ssl.SSLError) and not isinstance(error, aiohttp.ClientError):
            return error
        for name in ("os_error", "certificate_error"):
            if isinstance(getattr(error, name, None), ssl.SSLError):
                return getattr(error, name)
        error = error.__cause__ or error.__context__
    return None


def _verification(error: ssl.SSLCertVerificationError, attempt: Attempt) -> str:
    leaf = x509.load_der_x509_certificate(attempt.certificate) if attempt.certificate else None
    if error.verify_code in _UNTRUSTED_CODES:
        return _UNTRUSTED
    if error.verify_code == _EXPIRED:
        return f"java.security.cert.CertificateExpiredException: NotAfter: {leaf.not_valid_after_utc if leaf else ''}"
    if error.verify_code == _NOT_YET_VALID:
        return ("java.security.cert.CertificateNotYetValidException: NotBefore: "
                f"{leaf.not_valid_before_utc if leaf else ''}")
    return f"PKIX path validation failed: {error.verify_message}"


def _protocol(error: ssl.SSLError) -> str:
    reason = error.reason or str(error)
    if "_ALERT_" in reason:
        alert = reason.partition("_ALERT_")[2].lower()
        return f"Received fatal alert: {alert}"
    if reason in ("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "PACKET_LENGTH_TOO_LONG", "RECORD_LAYER_FAILURE"):
        return "Unsupported or unrecognized SSL message"
    if "UNSUPPORTED_PROTOCOL" in reason:
        return "The server selected a protocol version that is not accepted by client preferences [TLSv1.3, TLSv1.2]"
    if "EOF" in reason:
        return "Remote host terminated the handshake"
    return reason.lower().replace("_", " ")
