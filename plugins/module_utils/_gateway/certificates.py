# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Certificates that Google hands out, in the form that TLS libraries read. Private to the collection."""

from __future__ import annotations

import base64
import ssl
import typing as t


def authorities(encoded: t.Iterable[str]) -> str:
    """PEM text of an organisation's ``caCertificates``: the authorities that sign what its instances show."""
    return "".join(_pem(base64.b64decode(text)) for text in encoded)


def _pem(certificate: bytes) -> str:
    """Google hands out PEM; a certificate in DER form is a legal reading of its documentation too."""
    if b"-----BEGIN" in certificate:
        return certificate.decode("ascii").strip() + "\n"
    return ssl.DER_cert_to_PEM_cert(certificate)
