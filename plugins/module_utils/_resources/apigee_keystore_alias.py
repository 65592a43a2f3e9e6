# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Alias: a certificate in a keystore, with its private key or without. Private to the collection.

Certificates are compared by their fingerprints. Google replaces the certificate of an alias, never its key, and never
shows a key; whether a new certificate needs another key is seen from the public keys in both.
"""

from __future__ import annotations

import hashlib
import typing as t

from .._apigee import certificates
from .._engine.compare import Change
from .._engine.fields import Document, Field, Options
from .._engine.ownership import ParentMark
from .._engine.resource import Reference, Resource
from .apigee_common import ORGANIZATION, ApigeeResource
from .apigee_keystore import ENVIRONMENT_PATH, ApigeeKeystore


class ApigeeKeystoreAlias(ApigeeResource):
    """``organizations.environments.keystores.aliases``: synchronous; uploads are forms."""

    kind = "apigee_keystore_alias"
    title = "alias"
    names_only = True
    family = None
    path = ENVIRONMENT_PATH + "/keystores/{keystore}/aliases/{name}"
    update_method = "PUT"
    fields = (
        ORGANIZATION,
        Field("environment", api=None, required=True, identity=True, reference="apigee_environment"),
        Field("keystore", api=None, required=True, identity=True, secret=False),
        Field("name", api="alias", required=True, identity=True, aliases=("alias",)),
        Field("certificate"),
        Field("private_key", api=None, secret=True),
        Field("private_key_password", api=None, secret=True),
        Field("ignore_expiry_validation", type="bool", api=None),
        Field("ignore_newline_validation", type="bool", api=None),
        Field("type", output=True),
        Field("certificates", type="list", elements="dict", output=True),
    )

    needed = ("certificate",)
    required_if = (("state", "present", needed),)
    mark = ParentMark(lambda resource: t.cast("ApigeeKeystoreAlias", resource).parent())

    @property
    def name(self) -> str:
        """Its environment, its keystore and its name."""
        return "/".join(str(self.options.get(option)) for option in ("environment", "keystore", "name"))

    def parent(self) -> Resource:
        """The keystore that it is in."""
        where = {option: self.options.get(option) for option in ("project", "organization", "environment")}
        keystore = ApigeeKeystore({**where, "name": self.options["keystore"]}, self.context)
        keystore.wire = self.wire
        return keystore

    def references(self) -> list[Reference]:
        """The keystore, which may have namesakes in other environments."""
        return [*super().references(), Reference("apigee_keystore", str(self.options["keystore"]), needed=False)]

    def validate(self) -> list[str]:
        """Whether the certificate can be read and the key can be one."""
        problems = super().validate()
        if self.options.get("certificate"):
            try:
                certificates.read(self.options["certificate"])
            except ValueError as error:
                problems.append(f"certificate: {error}. State the PEM text, its own certificate first.")
        key = self.options.get("private_key")
        if key is not None and "PRIVATE KEY-----" not in key:
            problems.append("private_key is no PEM private key (-----BEGIN PRIVATE KEY-----).")
        if self.options.get("private_key_password") and not key:
            problems.append("private_key_password is of no use without private_key.")
        return problems

    # -- reading -----------------------------------------------------------------------------------------------

    def read(self) -> Document | None:
        """The alias with its certificates as PEM."""
        found = self.wire.find(self.service, self.url())
        if found is not None:
            found["certificate"] = self.wire.send(self.service, "GET", self.url() + "/certificate").content.decode()
        return found

    def everything(self) -> list[Document]:
        """All aliases of the keystore."""
        names = self.wire.find(self.service, self.parent_url()) or []
        single = [type(self)({**self.options, "name": str(name)}, self.context) for name in names]
        for one in single:
            one.wire = self.wire
        found = [(one.options["name"], one.read()) for one in single]
        return [{**document, "name": name} for name, document in found if document is not None]

    def declaration(self, found: Document) -> Options:
        """The certificates as PEM."""
        return {**self._place(), "certificate": found["certificate"]}

    def withheld(self, found: Document) -> list[str]:
        """Google shows no key."""
        return ["private_key"] if found.get("type") == "KEY_CERT" else []

    def output(self, found: Document) -> Options:
        """What Google tells, and the fingerprints; never a key."""
        told = ((found.get("certsInfo") or {}).get("certInfo")) or []
        chain = certificates.read(found["certificate"])
        return {
            **self._place(),
            "type": found.get("type"),
            "certificate": found["certificate"],
            "certificates": [
                {
                    "subject": info.get("subject"),
                    "issuer": info.get("issuer"),
                    "expires": one.expires.isoformat(),
                    "valid": info.get("isValid"),
                    "fingerprint": one.fingerprint,
                }
                for one, info in zip(chain, told + [{}] * len(chain), strict=False)
            ],
        }

    def predicted(self) -> Options:
        """The same for one that is still to be made."""
        chain = certificates.read(self.options["certificate"])
        return {
            **self._place(),
            "type": "KEY_CERT" if self.options.get("private_key") else "CERT",
            "certificate": self.options["certificate"],
            "certificates": [
                {
                    "subject": one.subject,
                    "issuer": one.issuer,
                    "expires": one.expires.isoformat(),
                    "valid": None,
                    "fingerprint": one.fingerprint,
                }
                for one in chain
            ],
        }

    def _place(self) -> Options:
        return {name: value for name, value in self.options.items() if name in self._shown_identity()}

    # -- comparing ---------------------------------------------------------------------------------------------

    def difference(self, found: Document) -> list[Change]:
        """The certificates by fingerprint; whether a key is there at all."""
        wanted, present = certificates.read(self.options["certificate"]), certificates.read(found["certificate"])
        specs = {field.name: field for field in self.fields}
        changes = []
        if [one.fingerprint for one in wanted] != [one.fingerprint for one in present]:
            labels = [[one.label for one in chain] for chain in (present, wanted)]
            changes.append(Change("certificate", *labels, specs["certificate"], "certificate"))
        there = found.get("type") == "KEY_CERT"
        other_key = there and wanted[0].public_key != present[0].public_key
        if other_key or (self.options.get("private_key") and not there):
            changes.append(Change("private_key", there, True, specs["private_key"], "private_key"))
        return changes

    def fixed(self, changes: list[Change]) -> list[Change]:
        """Keys cannot be exchanged."""
        return [change for change in changes if change.field == "private_key"]

    def refusal(self, change: Change) -> str:
        """What to do instead."""
        return (
            "the certificate belongs to another private key, and Google replaces the certificate of an alias, never its "
            "key. Make a new keystore and let the reference refer to it (apigee_client_certificate does so), or set "
            "allow_recreate: true to delete the alias and create it again, during which calls that need it fail."
        )

    def diff(self, action: str, found: Document | None, changes: list[Change]) -> dict[str, t.Any] | None:
        """Certificates as one line each."""
        before: dict[str, t.Any] = {}
        after: dict[str, t.Any] = {}
        if action in ("created", "recreated", "updated"):
            after = {"certificate": [one.label for one in certificates.read(self.options["certificate"])]}
        if found is not None and (action == "deleted" or changes):
            before = {"certificate": [one.label for one in certificates.read(found["certificate"])]}
        if not before and not after:
            return None
        label = f"{self.kind} {self.name}"
        return {"before_header": label, "after_header": label, "before": before, "after": after}

    # -- writing -----------------------------------------------------------------------------------------------

    def create(self) -> None:
        """Upload certificate and key."""
        parts = {"certFile": self.options["certificate"]}
        if self.options.get("private_key"):
            parts["keyFile"] = self.options["private_key"]
        if self.options.get("private_key_password"):
            # Not in the query, where it would end in logs.
            parts["password"] = self.options["private_key_password"]
        query = {"alias": self.options["name"], "format": "keycertfile", **self._leniency()}
        self._upload("POST", self.parent_url(), query, parts)

    def update(self, found: Document, changes: list[Change]) -> None:
        """Replace the certificate; the key stays."""
        self._upload("PUT", self.url(), self._leniency(), {"certFile": self.options["certificate"]})

    def _leniency(self) -> dict[str, t.Any]:
        # Google calls the first one required for an update.
        query = {"ignoreExpiryValidation": bool(self.options.get("ignore_expiry_validation"))}
        if self.options.get("ignore_newline_validation"):
            query["ignoreNewlineValidation"] = True
        return query

    def _upload(self, method: str, path: str, query: dict[str, t.Any], parts: dict[str, str]) -> None:
        boundary = "alias-" + hashlib.sha256(parts["certFile"].encode("utf-8")).hexdigest()
        content = ""
        for name, value in parts.items():
            file = "" if name == "password" else f'; filename="{name}.pem"\r\nContent-Type: application/octet-stream'
            content += f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"{file}\r\n\r\n{value}\r\n'
        self.wire.send(
            self.service,
            method,
            path,
            query=query,
            content=(content + f"--{boundary}--\r\n").encode("utf-8"),
            content_type=f"multipart/form-data; boundary={boundary}",
            repeatable=True,
        )
