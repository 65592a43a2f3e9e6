# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The keys with which an environment of Edge signs the tokens of gateways. Private to the collection.

They are in an encrypted key value map, from which the proxy ``edgemicro-auth`` takes them. Only that proxy ever reads
the private key; it is made here, given to Edge and forgotten.
"""

from __future__ import annotations

import datetime
import typing as t

from .._engine.fields import Document, Field
from .._engine.ownership import LABEL, LABEL_VALUE, Mark
from .._engine.resource import Resource
from .._google.errors import Failure
from .organization import ENVIRONMENT, ORGANIZATION, OnEdge

#: What the proxy asks for (npm package microgateway-edgeauth 3.2.2, policies Get-*-Key*).
ENTRIES = ("private_key", "public_key", "public_key1", "private_key_kid", "public_key1_kid")
KEY_BITS = 2048
#: By this number tokens say which key signed them, and gateways find it.
KID = "1"


class _EntryMark(Mark):
    """An entry beside the keys, which the proxy does not look at."""

    why_kept = "left alone: this collection did not make these keys. force: true deletes them all the same"

    def owned(self, resource: Resource, found: Document) -> bool:
        return LABEL in _names(found)


class EdgeMicrogatewayKeys(OnEdge, Resource):
    """``environments.keyvaluemaps``, the one named ``microgateway``: made once, never read back."""

    kind = "edge_microgateway_keys"
    title = "keys for tokens in"
    path = "v1/organizations/{organization}/environments/{environment}/keyvaluemaps/microgateway"
    name_option = "environment"
    mark: t.ClassVar[Mark] = _EntryMark()
    fields = (ORGANIZATION, ENVIRONMENT, Field("entries", type="list", elements="str", output=True, api="names"))

    def read(self) -> Document | None:
        """Names of what is there; the values are nobody's business."""
        found = super().read()
        return None if found is None else {"encrypted": found.get("encrypted"), "names": sorted(_names(found))}

    def examine(self, found: Document, changes: list[t.Any]) -> list[str]:
        """A map with half of the keys: whatever is added would not belong to what is there."""
        missing = [name for name in ENTRIES if name not in _names(found)]
        if not missing:
            return []
        return [
            f"the key value map microgateway lacks {', '.join(missing)}, and new keys beside old ones would make every "
            "token bad. Delete the map, if nobody uses its keys, or have edgemicro upgrade it."
        ]

    def create(self) -> None:
        """All at once. A map that was made meanwhile is not changed."""
        values = {**generated(), LABEL: LABEL_VALUE}
        entries = [{"name": name, "value": value} for name, value in values.items()]
        body = {"name": "microgateway", "encrypted": "true", "entry": entries}
        self.wire.send(self.service, "POST", self.parent_url(), body=body, repeatable=True)


def generated() -> dict[str, str]:
    """A new pair of keys in the words of the map. Raises Failure without the package that makes them."""
    try:
        from cryptography import x509
        from cryptography.hazmat.primitives import hashes, serialization
        from cryptography.hazmat.primitives.asymmetric import rsa
        from cryptography.x509.oid import NameOID
    except ImportError as error:
        raise Failure("keys are made with the Python package cryptography. Install it where the module runs.") from error
    key = rsa.generate_private_key(public_exponent=65537, key_size=KEY_BITS)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "apigee.com")])
    now = datetime.datetime.now(datetime.timezone.utc)
    # Of the certificate only the key is used; for how long it is good says nothing to anybody.
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now)
        .not_valid_after(now + datetime.timedelta(days=3650))
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    public = key.public_key().public_bytes(pem, serialization.PublicFormat.SubjectPublicKeyInfo)
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    values = (private.decode(), certificate.public_bytes(pem).decode(), public.decode(), KID, KID)
    return dict(zip(ENTRIES, values, strict=True))


def _names(found: Document) -> set[str]:
    return set(found.get("names") or ()) | {str(one.get("name")) for one in found.get("entry") or []}
