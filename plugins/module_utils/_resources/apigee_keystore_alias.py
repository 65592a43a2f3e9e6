# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Alias: a certificate in a keystore, with its private key or without. Private to the collection.

What goes in (PEM, PKCS 12, or a certificate that Google makes) is read by ``_apigee/alias_content.py``. Certificates
are compared by their fingerprints. Google replaces the certificate of an alias, never its key, and never shows a key;
whether a new certificate needs another key is seen from the public keys in both.
"""

from __future__ import annotations

import functools
import typing as t

from .._apigee import alias_content, certificates
from .._engine.compare import Change
from .._engine.fields import Document, Field, Options
from .._engine.resource import Reference
from .apigee_common import IN_ENVIRONMENT, ApigeeResource
from .apigee_keystore import ENVIRONMENT_PATH
from .apigee_ownership import RecordMark


class ApigeeKeystoreAlias(ApigeeResource):
    """``organizations.environments.keystores.aliases``: synchronous; uploads are forms."""

    kind = "apigee_keystore_alias"
    title = "alias"
    names_only = True
    family = None
    path = ENVIRONMENT_PATH + "/keystores/{keystore}/aliases/{name}"
    update_method = "PUT"
    fields = (
        *IN_ENVIRONMENT,
        Field("keystore", api=None, required=True, identity=True, secret=False),
        Field("name", api="alias", required=True, identity=True, aliases=("alias",)),
        Field("certificate"),
        Field("pkcs12", api=None, secret=True),
        Field(
            "self_signed",
            type="dict",
            api=None,
            fields=(
                Field("subject", type="dict", fields=tuple(Field(name) for name in alias_content.SUBJECT)),
                Field("key_size", type="int", secret=False),
                Field("signature_algorithm"),
                Field("validity_days", type="int"),
                Field("dns_name"),
            ),
        ),
        Field("private_key", api=None, secret=True),
        Field("private_key_password", api=None, secret=True),
        Field("ignore_expiry_validation", type="bool", api=None),
        Field("ignore_newline_validation", type="bool", api=None),
        Field("type", output=True),
        Field("certificates", type="list", elements="dict", output=True),
    )

    #: What goes in is one of these.
    sources = ("certificate", "pkcs12", "self_signed")
    mutually_exclusive = (sources, ("private_key", "pkcs12", "self_signed"))
    required_if = (("state", "present", sources, True),)
    mark = RecordMark()

    @property
    def name(self) -> str:
        """Its environment, its keystore and its name."""
        return "/".join(str(self.options.get(option)) for option in ("environment", "keystore", "name"))

    def references(self) -> list[Reference]:
        """The keystore, which may have namesakes in other environments."""
        return [*super().references(), Reference("apigee_keystore", str(self.options["keystore"]), needed=False)]

    def validate(self) -> list[str]:
        """Whether what goes in can be read."""
        problems = super().validate()
        stated = [name for name in self.sources if self.options.get(name)]
        if len(stated) != 1:
            problems.append(
                f"state one of {', '.join(self.sources)}{', not ' + ' and '.join(stated) if stated else ''}."
            )
        else:
            try:
                alias_content.read(self.options)
            except ValueError as error:
                problems.append(str(error))
        if self.options.get("private_key_password") and not self.options.keys() & {"private_key", "pkcs12"}:
            problems.append("private_key_password is of no use without private_key or pkcs12.")
        return problems

    @functools.cached_property
    def content(self) -> alias_content.Content:
        """What is to go in; :meth:`validate` has said that it can be read."""
        return alias_content.read(self.options)

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
        """The same for one that is still to be made; of a certificate that Google makes nothing is known yet."""
        return {
            **self._place(),
            "type": "KEY_CERT" if self.content.keyed else "CERT",
            "certificate": self.content.certificate() or None,
            "certificates": [
                {
                    "subject": one.subject,
                    "issuer": one.issuer,
                    "expires": one.expires.isoformat(),
                    "valid": None,
                    "fingerprint": one.fingerprint,
                }
                for one in self.content.chain
            ],
        }

    def _place(self) -> Options:
        return {name: value for name, value in self.options.items() if name in self._shown_identity()}

    # -- comparing ---------------------------------------------------------------------------------------------

    def difference(self, found: Document) -> list[Change]:
        """The certificates by fingerprint; whether a key is there at all."""
        wanted, present = self.content.chain, certificates.read(found["certificate"])
        specs = {field.name: field for field in self.fields}
        there = found.get("type") == "KEY_CERT"
        changes = []
        if isinstance(self.content, alias_content.SelfSigned):
            for field, before, after in self.content.made(present[0]):
                changes.append(Change(field, before, after, specs["self_signed"], "self_signed"))
            if not there:
                changes.append(Change("private_key", there, True, specs["private_key"], "private_key"))
            return changes
        if [one.fingerprint for one in wanted] != [one.fingerprint for one in present]:
            labels = [[one.label for one in chain] for chain in (present, wanted)]
            changes.append(Change("certificate", *labels, specs["certificate"], "certificate"))
        other_key = there and wanted[0].public_key != present[0].public_key
        if other_key or (self.content.keyed and not there):
            changes.append(Change("private_key", there, True, specs["private_key"], "private_key"))
        return changes

    def fixed(self, changes: list[Change]) -> list[Change]:
        """Keys cannot be exchanged, and a certificate that Google makes comes with a new one."""
        return [change for change in changes if change.top in ("private_key", "self_signed")]

    def refusal(self, change: Change) -> str:
        """What to do instead."""
        if change.top == "self_signed":
            return (
                f"{change.field} is {change.before!r}, wanted {change.after!r}: Google makes a certificate together with "
                "its key, and exchanges no key. Make another alias, or set allow_recreate: true to delete this one and "
                "create it again, during which calls that need it fail."
            )
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
            made = [f"self-signed for {(self.options.get('self_signed') or {}).get('subject', {}).get('common_name')}"]
            after = {"certificate": [one.label for one in self.content.chain] or made}
        if found is not None and (action == "deleted" or changes):
            before = {"certificate": [one.label for one in certificates.read(found["certificate"])]}
        if not before and not after:
            return None
        label = f"{self.kind} {self.name}"
        return {"before_header": label, "after_header": label, "before": before, "after": after}

    # -- writing -----------------------------------------------------------------------------------------------

    def create(self) -> None:
        """Upload what goes in."""
        upload = self.content.upload()
        query = {"alias": self.options["name"], "format": upload.format, **self._leniency()}
        self._send("POST", self.parent_url(), query, upload.content, upload.content_type)

    def update(self, found: Document, changes: list[Change]) -> None:
        """Replace the certificate; the key stays."""
        content, content_type = alias_content.form({"certFile": self.content.certificate().encode("utf-8")})
        self._send("PUT", self.url(), self._leniency(), content, content_type)

    def _leniency(self) -> dict[str, t.Any]:
        # Google calls the first one required for an update.
        query = {"ignoreExpiryValidation": bool(self.options.get("ignore_expiry_validation"))}
        if self.options.get("ignore_newline_validation"):
            query["ignoreNewlineValidation"] = True
        return query

    def _send(self, method: str, path: str, query: dict[str, t.Any], content: bytes, content_type: str) -> None:
        self.wire.send(
            self.service, method, path, query=query, content=content, content_type=content_type, repeatable=True
        )
