# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A keystore behind a reference, exchanged as a whole. Private to the collection.

Target servers name the reference (``ref://NAME``). The keystore is named ``NAME-`` and a digest of what it holds, so
another content is another keystore: it is made and filled, the reference is turned to it, and only then the old one is
removed. No proxy is deployed again and no call finds an empty or half-filled keystore. A run that was interrupted
anywhere in between is completed by the next one. Replacing certificates in a keystore that is in use is not done:
Apigee's known issue 432315283 says that runtimes may then fail to learn of it.
"""

from __future__ import annotations

import re
import typing as t
from urllib.parse import quote

from .._apigee import certificates
from .._apigee.certificates import Certificate
from .._engine.compare import Change
from .._engine.fields import Document, Field, Options
from .._engine.ownership import SENTENCE, DescriptionMark
from .._engine.resource import Resource
from .._google import clock
from .._google.errors import ApiError
from .apigee_common import IN_ENVIRONMENT, ApigeeResource
from .apigee_keystore import ENVIRONMENT_PATH, ApigeeKeystore
from .apigee_keystore_alias import ApigeeKeystoreAlias
from .apigee_records import Records

#: Seconds between the flip and the removal of the old keystore: Apigee's message processors learn of it one by one.
SETTLE = 30

BASE_FIELDS = (
    *IN_ENVIRONMENT,
    Field("name", required=True, identity=True),
    Field("settle", type="int", api=None),
)


class _Mark(DescriptionMark):
    """The reference's description; keystores that an interrupted run left are looked at one by one."""

    def owned(self, resource: Resource, found: Document) -> bool:
        return found["reference"] is None or super().owned(resource, found)

    def settle(self, resource: Resource, found: Document | None, changes: list[Change], present: bool) -> None:
        there = {found["keystore"], *found["others"]} if found else set()
        try:
            t.cast("ReferencedKeystore", resource).forget_others(there)
        except ApiError:
            return  # The next run does it; whoever may not read records has what is declared all the same.

    def after_delete(self, resource: Resource) -> None:
        # A keystore stays where somebody else has put something into it.
        owner = t.cast("ReferencedKeystore", resource)
        owner.forget_others(owner.wire.find(owner.service, f"{owner.fill(ENVIRONMENT_PATH)}/keystores") or [])


class ReferencedKeystore(ApigeeResource):
    """What truststores and client certificates have in common. ``content`` is what the keystore is to hold."""

    service = "apigee"
    family = None
    adopts = False
    path = ENVIRONMENT_PATH + "/references/{name}"
    update_method = "PUT"
    mark = _Mark("reference.description")
    left_out = "told as its reference, its keystore and the aliases in it"
    #: Apigee's word for what the reference leads to.
    resource_type: t.ClassVar[str]
    #: To which keystore of somebody else the reference led.
    _turned_from = ""
    #: The option whose content is compared, and reported as a list of certificates.
    content_option: t.ClassVar[str]

    @property
    def name(self) -> str:
        """Its environment and the reference's name."""
        return f"{self.options.get('environment')}/{self.options.get('name')}"

    def content(self, present: list[Certificate]) -> dict[str, tuple[str, str | None]]:
        """Alias -> certificates as PEM, and private key or None; ``present`` is what we put there before."""
        raise NotImplementedError

    def wanted(self, present: list[Certificate]) -> list[Certificate]:
        """The certificates that the keystore is to hold."""
        raise NotImplementedError

    def keystore_name(self, wanted: list[Certificate]) -> str:
        """``gke-ca-1a2b3c4d``"""
        return f"{self.options['name']}-{certificates.digest(wanted)[:8]}"

    def covers(self, other: Resource) -> bool:
        """The reference, the keystore behind it and what is in that are made by this declaration."""
        where = ("environment", "name")
        if [other.options.get(option) for option in where] == [self.options.get(option) for option in where]:
            return other.kind in (self.kind, "apigee_reference")
        name = str(other.options.get("keystore") or other.options.get("name"))
        ours = re.fullmatch(re.escape(str(self.options["name"])) + "-[0-9a-f]{8}", name)
        keystores = ("apigee_keystore", "apigee_keystore_alias")
        return bool(ours) and other.kind in keystores and other.options.get("environment") == self.options["environment"]

    # -- reading -----------------------------------------------------------------------------------------------

    def read(self) -> Document | None:
        """The reference, the certificates behind it, and keystores of ours that it does not lead to."""
        environment = self.fill(ENVIRONMENT_PATH)
        names = self.wire.find(self.service, f"{environment}/keystores") or []
        reference = self.wire.find(self.service, self.url())
        keystore = str((reference or {}).get("refers") or "")
        others = [name for name in names if self._named_by_us(name) and name != keystore]
        if reference is None and not others:
            return None
        held = self._held(keystore) if keystore in names else {}
        return {"reference": reference, "keystore": keystore, "held": held, "others": others}

    def _held(self, keystore: str) -> dict[str, str]:
        """Alias -> PEM of what a keystore holds."""
        path = f"{self.fill(ENVIRONMENT_PATH)}/keystores/{quote(keystore, safe='')}"
        aliases = (self.wire.find(self.service, path) or {}).get("aliases") or []
        found = {}
        for alias in aliases:
            reply = self.wire.send(self.service, "GET", f"{path}/aliases/{quote(alias, safe='')}/certificate")
            found[alias] = reply.content.decode()
        return found

    def present(self, found: Document | None) -> list[Certificate]:
        """The certificates that are there."""
        return certificates.distinct((found or {}).get("held", {}).values())

    def before(self, found: Document) -> list[Certificate]:
        """Those among them that this collection put there. A reference that was turned to somebody else's keystore, or an
        alias that somebody added to ours, must not have its certificates believed any longer."""
        if not self._named_by_us(found["keystore"]):
            return []
        return certificates.distinct([pem for alias, pem in found["held"].items() if self.filled_by_us(alias, pem)])

    def filled_by_us(self, alias: str, pem: str) -> bool:
        """Whether an alias in a keystore of ours is one that is made here."""
        raise NotImplementedError

    def _named_by_us(self, keystore: str) -> bool:
        return re.fullmatch(re.escape(str(self.options["name"])) + "-[0-9a-f]{8}", keystore) is not None

    def _foreign(self, found: Document) -> str:
        """The keystore of somebody else to which the reference leads; nothing when it leads to one of ours."""
        return found["keystore"] if found["reference"] and not self._named_by_us(found["keystore"]) else ""

    def output(self, found: Document) -> Options:
        """Reference, keystore and certificates; never a key."""
        return self._shown(found["keystore"] or None, self.present(found))

    def predicted(self) -> Options:
        """The same for one that is still to be made."""
        wanted = self.wanted([])
        return self._shown(self.keystore_name(wanted), wanted)

    def _shown(self, keystore: str | None, present: list[Certificate]) -> Options:
        place = {name: value for name, value in self.options.items() if name in self._shown_identity()}
        held = [
            {
                "subject": one.subject,
                "issuer": one.issuer,
                "expires": one.expires.isoformat(),
                "fingerprint": one.fingerprint,
            }
            for one in present
        ]
        return {**place, "reference": f"ref://{self.options['name']}", "keystore": keystore, "certificates": held}

    # -- comparing ---------------------------------------------------------------------------------------------

    def difference(self, found: Document) -> list[Change]:
        """What the keystore behind the reference holds, and keystores of ours that are left over."""
        spec = next(field for field in self.fields if field.name == self.content_option)
        present = self.present(found)
        wanted = self.wanted(self.before(found))
        name = self.keystore_name(wanted)
        self._turned_from = self._foreign(found)
        changes = []
        if [one.fingerprint for one in wanted] != [one.fingerprint for one in present]:
            labels = [[one.label for one in some] for some in (present, wanted)]
            changes.append(Change(self.content_option, *labels, Field(self.content_option, type="list"), spec.name))
        if name != found["keystore"]:
            changes.append(Change("keystore", found["keystore"] or None, name, Field("keystore"), spec.name))
        # Whose the old ones are is asked only where nothing else leads to them.
        left = self._left_over(found, name) if name == found["keystore"] else []
        if left:
            changes.append(Change("superseded", left, [], Field("superseded", type="list"), spec.name))
        return changes

    def _left_over(self, found: Document, name: str) -> list[str]:
        """Keystores of ours that nothing leads to once the reference leads to ``name``."""
        candidates = [other for other in found["others"] if other != name]
        if self._named_by_us(found["keystore"]):
            candidates += [found["keystore"]] if found["keystore"] != name else []
        return [other for other in candidates if self._superseded(other)]

    def _superseded(self, name: str) -> bool:
        """Whether a keystore is one that was made here, a run that was killed in between included, and nothing else."""
        keystore = self._keystore(name)
        record = Records.of(keystore).find(keystore)
        there = keystore.read() if record else None
        return there is not None and not keystore.mark.of_others(keystore, there)

    def fixed(self, changes: list[Change]) -> list[Change]:
        """Everything changes in place: by exchange."""
        return []

    def examine(self, found: Document, changes: list[Change]) -> list[str]:
        """A reference of another kind, or of somebody else, cannot be taken over."""
        kind = (found["reference"] or {}).get("resourceType")
        if kind not in (None, self.resource_type):
            return [
                f"a reference {self.options['name']} of type {kind} exists, wanted is {self.resource_type}, and Google "
                "cannot change the type. Choose another name."
            ]
        foreign = self._foreign(found)
        if foreign and changes and not self.mark.owned(self, found):
            return [
                f"a reference {self.options['name']} exists and leads to {foreign}; this collection made neither, and "
                "whatever names the reference would use other certificates. Choose another name, or delete the reference."
            ]
        return []

    def remark(self, action: str) -> str:
        """Where the reference led to a keystore of somebody else."""
        if not self._turned_from:
            return ""
        return (
            f"the reference led to {self._turned_from}, which this collection did not make: it is left alone, and nothing "
            "in it is used any more."
        )

    def diff(self, action: str, found: Document | None, changes: list[Change]) -> dict[str, t.Any] | None:
        """Certificates as one line each."""
        before: dict[str, t.Any] = {}
        after: dict[str, t.Any] = {}
        if action == "created":
            wanted = self.wanted([])
            after = {"keystore": self.keystore_name(wanted), self.content_option: [one.label for one in wanted]}
        elif action == "deleted" and found is not None:
            before = {"keystore": found["keystore"], self.content_option: [one.label for one in self.present(found)]}
        elif changes:
            before = {change.field: change.before for change in changes}
            after = {change.field: change.after for change in changes}
        else:
            return None
        label = f"{self.kind} {self.name}"
        return {"before_header": label, "after_header": label, "before": before, "after": after}

    # -- writing -----------------------------------------------------------------------------------------------

    def create(self) -> None:
        """As an exchange of nothing."""
        self._exchange({"reference": None, "keystore": "", "held": {}, "others": []})

    def update(self, found: Document, changes: list[Change]) -> None:
        """Make and fill, flip, remove."""
        self._exchange(found)

    def _exchange(self, found: Document) -> None:
        before = self.before(found)
        name = self.keystore_name(self.wanted(before))
        self._fill(name, self.content(before))
        flipped = self._flip(found["reference"], name)
        left = self._left_over(found, name)
        settle = self.options.get("settle", SETTLE)
        if left and flipped and settle:
            clock.sleep(settle)
            self.wire.waited += settle
        for other in left:
            self._remove(other)

    def _fill(self, name: str, content: dict[str, tuple[str, str | None]]) -> None:
        """The keystore with exactly these aliases; what an interrupted run did already is kept."""
        keystore = self._keystore(name)
        keystore.filled = tuple(sorted(content))
        there = keystore.read()
        if there is None:
            keystore.mark.before_create(keystore)
            try:
                _unless_there(keystore.create)
            except ApiError as error:
                if error.final:
                    keystore.mark.after_refusal(keystore)
                raise
            keystore.mark.after_create(keystore, {})
        else:
            keystore.mark.settle(keystore, there, [], present=True)
        held = self._held(name) if there else {}
        for alias, (certificate, key) in content.items():
            resource = self._alias(name, alias, certificate, key)
            if alias not in held:
                _unless_there(resource.create)
            elif _prints(held[alias]) != _prints(certificate):
                resource.update({}, [])
        for alias in set(held) - set(content):
            self._alias(name, alias, held[alias], None).send_delete()

    def forget_others(self, there: t.Container[str]) -> None:
        """Remove the records of keystores that are gone: a run was killed before it did so, or somebody deleted them."""
        records = Records.of(self)
        gone = [
            key
            for key, one in records.all(self).items()
            if one.kind == "apigee_keystore" and one.inside.get("environment") == self.options["environment"]
            for name in [one.name.rsplit("/", 1)[-1]]
            if self._named_by_us(name) and name not in there
        ]
        if gone:
            records.remove(self, gone)

    def _flip(self, reference: Document | None, name: str) -> bool:
        """Turn the reference to a keystore; whether it led elsewhere before."""
        wanted = {"name": self.options["name"], "refers": name, "resourceType": self.resource_type}
        if reference is None:
            body = {**wanted, "description": SENTENCE}
            path = f"{self.fill(ENVIRONMENT_PATH)}/references"
            try:
                self.wire.send(self.service, "POST", path, body=body, repeatable=True)
                return False
            except ApiError as error:
                if not error.exists:
                    raise
                reference = self.wire.get(self.service, self.url())
        if reference.get("refers") == name:
            return False
        self.wire.send(self.service, "PUT", self.url(), body={**reference, **wanted})
        return True

    def delete(self, found: Document) -> None:
        """The reference, then every keystore of ours behind it."""
        if found["reference"] is not None:
            super().delete(found)
        for name in self._left_over(found, ""):
            self._remove(name)

    def in_use(self, error: t.Any) -> bool:
        """A target server that is just going away may still name it."""
        return super().in_use(error) or "in use" in error.said

    def _remove(self, name: str) -> None:
        keystore = self._keystore(name)
        keystore.delete({})
        keystore.mark.after_delete(keystore)

    def _place(self) -> Options:
        return {option: self.options.get(option) for option in ("project", "organization", "environment")}

    def _keystore(self, name: str) -> ApigeeKeystore:
        keystore = ApigeeKeystore({**self._place(), "name": name}, self.context)
        keystore.wire = self.wire
        return keystore

    def _alias(self, keystore: str, name: str, certificate: str, key: str | None) -> ApigeeKeystoreAlias:
        options = {**self._place(), "keystore": keystore, "name": name, "certificate": certificate, "private_key": key}
        alias = ApigeeKeystoreAlias(options, self.context)
        alias.wire = self.wire
        return alias


def _prints(pem: str) -> list[str]:
    return [one.fingerprint for one in certificates.read(pem)]


def _unless_there(write: t.Callable[[], None]) -> None:
    """Make something that an earlier try may have made."""
    try:
        write()
    except ApiError as error:
        if not error.exists:
            raise
