# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Key value map with its entries, on one of three levels. Private to the collection.

Entries are objects of their own to Google: each is written alone, only those that differ, several at once. Any value
may be a secret, so a result repeats only what the user has stated under ``entries``; the reading module shows the rest
when it is asked to.
"""

from __future__ import annotations

import concurrent.futures
import typing as t
from urllib.parse import quote

from .._engine.compare import Change
from .._engine.fields import Document, Field, Options
from .._google.errors import ApiError, Failure
from .apigee_common import ORGANIZATION, ApigeeResource
from .apigee_ownership import RecordMark
from .apigee_records import MAP

#: Entries written at the same time.
WRITERS = 8
#: What Google shows of a value in a map that masks them. Source: KeyValueMap.maskedValues.
MASK = "*****"

_SECRET = Field("secret_entries", type="dict", api="entries", secret=True, keep_extra=True)


class ApigeeKeyValueMap(ApigeeResource):
    """``keyvaluemaps`` of an organisation, an environment or a proxy: every write is synchronous."""

    kind = "apigee_key_value_map"
    title = "key value map"
    names_only = True
    family = None
    update_method = "PUT"
    mark = RecordMark()
    fields = (
        ORGANIZATION,
        Field("environment", api=None, identity=True, reference="apigee_environment"),
        Field("proxy", api=None, identity=True, reference="apigee_proxy"),
        Field("name", required=True, identity=True),
        Field("entries", type="dict", api="entries", keep_extra=True),
        _SECRET,
        Field("purge_entries", type="bool", api=None),
        Field("masked_values", type="bool"),
        Field("entry_names", type="list", elements="str", output=True),
    )
    reading = (Field("values", type="bool", api=None),)
    mutually_exclusive = (("environment", "proxy"),)

    # -- who ---------------------------------------------------------------------------------------------------

    @property
    def level(self) -> str:
        """Where it is below the organisation: ``environments/prod/``, ``apis/orders/`` or nothing."""
        for option, collection in (("environment", "environments"), ("proxy", "apis")):
            if self.options.get(option):
                return f"{collection}/{self.options[option]}/"
        return ""

    @property
    def name(self) -> str:
        """Its level and its name: names repeat from level to level."""
        return f"{self.level}{self.options.get('name')}"

    def parent_url(self) -> str:
        """The maps of its level."""
        return f"v1/organizations/{quote(self.organization)}/{quote(self.level)}keyvaluemaps"

    def url(self) -> str:
        """The map itself."""
        return f"{self.parent_url()}/{quote(str(self.options['name']), safe='')}"

    def _entry_url(self, key: str) -> str:
        return f"{self.url()}/entries/{quote(key, safe='')}"

    # -- rules -------------------------------------------------------------------------------------------------

    def validate(self) -> list[str]:
        """Entries twice, values that are no text, and masks that hide what has to be compared."""
        problems = super().validate()
        entries, hidden = self.options.get("entries") or {}, self.options.get("secret_entries") or {}
        for key in sorted(entries.keys() & hidden.keys()):
            problems.append(f"{key} stands in entries and in secret_entries. Keep one of them.")
        for option in ("entries", "secret_entries"):
            for key, value in (self.options.get(option) or {}).items():
                if isinstance(value, dict | list):
                    problems.append(f"{option}.{key} is no text. State a string, for example with the filter to_json.")
                if not key:
                    problems.append(f"{option} has an entry without a name.")
        if self.options.get("masked_values") and (entries or hidden):
            problems.append(
                "masked_values hides values from everybody who reads them, so nobody can tell whether an entry differs. "
                "Leave masked_values out, or the entries."
            )
        if self.options.get("purge_entries") and not {"entries", "secret_entries"} & self.options.keys():
            problems.append(
                "purge_entries removes every entry that is not stated, and none is. State entries: {} to empty the map."
            )
        return problems

    def examine(self, found: Document, changes: list[Change]) -> list[str]:
        """Masked values cannot be compared."""
        stays = found.get("maskedValues") and self.options.get("masked_values") is not False
        hidden = sorted(change.field for change in changes if change.before == MASK) if stays else []
        if not hidden:
            return []
        return [
            f"Google masks the values of this map, so nobody can tell whether {', '.join(hidden)} differ. State "
            "masked_values: false to manage values, or leave these entries out."
        ]

    def exceeds(self, found: Document) -> bool:
        """Entries that are not stated."""
        return bool((found.get("entries") or {}).keys() - {*self._wanted("entries"), *self._wanted("secret_entries")})

    # -- reading -----------------------------------------------------------------------------------------------

    def read(self) -> Document | None:
        """The map, with its entries as a mapping."""
        found = self.wire.find(self.service, self.url())
        if found is None:
            return None
        listed = self.wire.pages(self.service, f"{self.url()}/entries", "keyValueEntries")
        return {**found, "entries": {str(one["name"]): str(one.get("value", "")) for one in listed}}

    def everything(self) -> list[Document]:
        """All maps of the level with their entries, but for the one that the collection keeps its records in."""
        single = [type(self)({**self.options, "name": name}, self.context) for name in self.names()]
        for one in single:
            one.wire = self.wire
        return [document for document in (one.read() for one in single) if document is not None]

    def names(self) -> list[str]:
        """All maps of the level but the collection's own."""
        return [name for name in super().names() if self.level or name != MAP]

    def declaration(self, found: Document) -> Options:
        """With its entries only where the reader asks for values: any may be a secret."""
        place = {name: value for name, value in self.options.items() if name in self._shown_identity()}
        if found.get("maskedValues"):
            return {**place, "masked_values": True}
        entries = found.get("entries") or {}
        return {**place, "entries": dict(sorted(entries.items()))} if self.options.get("values") and entries else place

    def withheld(self, found: Document) -> list[str]:
        """Entries that the declaration does not show."""
        if self.options.get("values") and not found.get("maskedValues"):
            return []
        return [f"entries.{key}" for key in sorted(found.get("entries") or {})]

    def output(self, found: Document) -> Options:
        """Names of all entries; values of those stated under ``entries``, of all where the reader asks for values."""
        there: dict[str, str] = found.get("entries") or {}
        stated = there if self.options.get("values") else self.options.get("entries") or {}
        return self._shown({key: there[key] for key in sorted(stated) if key in there}, there, found.get("maskedValues"))

    def predicted(self) -> Options:
        """The same for one that is still to be made."""
        entries = self._wanted("entries")
        return self._shown(entries, {**entries, **self._wanted("secret_entries")}, self.options.get("masked_values"))

    def _shown(self, entries: dict[str, str], there: t.Iterable[str], masked: t.Any) -> Options:
        place = {name: value for name, value in self.options.items() if name in self._shown_identity()}
        return {**place, "entries": entries, "entry_names": sorted(there), "masked_values": bool(masked)}

    def _wanted(self, option: str) -> dict[str, str]:
        return {str(key): _text(value) for key, value in (self.options.get(option) or {}).items()}

    # -- comparing ---------------------------------------------------------------------------------------------

    def difference(self, found: Document) -> list[Change]:
        """Entries one by one; those not stated only when they are to go, and never with their values."""
        there: dict[str, str] = found.get("entries") or {}
        specs = {field.name: field for field in self.fields}
        changes = []
        masked = self.options.get("masked_values")
        if masked is not None and bool(masked) != bool(found.get("maskedValues")):
            changes.append(Change("masked_values", not masked, masked, specs["masked_values"], "masked_values"))
        for option in ("entries", "secret_entries"):
            changes += [
                Change(f"{option}[{key}]", there.get(key), value, specs[option], option)
                for key, value in self._wanted(option).items()
                if there.get(key) != value
            ]
        if self.options.get("purge_entries"):
            stated = {*self._wanted("entries"), *self._wanted("secret_entries")}
            changes += [
                Change(f"entries[{key}]", there[key], None, _SECRET, "entries") for key in sorted(there.keys() - stated)
            ]
        return changes

    # -- writing -----------------------------------------------------------------------------------------------

    def body(self) -> Document:
        """The map alone. Apigee knows no others than encrypted ones."""
        return {"name": self.options["name"], "encrypted": True, "maskedValues": bool(self.options.get("masked_values"))}

    def create(self) -> None:
        """The map, then its entries."""
        self.wire.send(self.service, "POST", self.parent_url(), body=self.body(), repeatable=True)
        self._write({}, {**self._wanted("entries"), **self._wanted("secret_entries")})

    def update(self, found: Document, changes: list[Change]) -> None:
        """Only the entries that differ."""
        if any(change.field == "masked_values" for change in changes):
            self.wire.send(self.service, "PUT", self.url(), body=self.body())
        wanted = {**self._wanted("entries"), **self._wanted("secret_entries")}
        there = found.get("entries") or {}
        gone = there.keys() - wanted.keys() if self.options.get("purge_entries") else set()
        self._write(there, {key: value for key, value in wanted.items() if there.get(key) != value}, gone)

    def _write(self, there: t.Mapping[str, str], wanted: dict[str, str], gone: t.Iterable[str] = ()) -> None:
        """Write and remove entries, several at once. All are tried; then the first failure is raised."""
        work: list[tuple[str, str | None]] = [*sorted(wanted.items()), *((key, None) for key in sorted(gone))]
        if not work:
            return
        with concurrent.futures.ThreadPoolExecutor(WRITERS, thread_name_prefix="entry") as pool:
            futures = [pool.submit(self._write_one, key, value, key in there) for key, value in work]
        failures = [(key, future.exception()) for (key, _value), future in zip(work, futures, strict=True)]
        for key, failure in failures:
            if isinstance(failure, Failure):
                failure.message = f"entry {key}: {failure.message}"
            if failure is not None:
                raise failure

    def _write_one(self, key: str, value: str | None, there: bool) -> None:
        if value is None:
            try:
                self.wire.send(self.service, "DELETE", self._entry_url(key))
            except ApiError as error:
                if not error.missing:
                    raise
            return
        entry = {"name": key, "value": value}
        if not there:
            try:
                self.wire.send(self.service, "POST", f"{self.url()}/entries", body=entry, repeatable=True)
                return
            except ApiError as error:
                if not error.exists:
                    raise
        self.wire.send(self.service, "PUT", self._entry_url(key), body=entry)


def _text(value: t.Any) -> str:
    """A value as Google keeps it: YAML's booleans in lower case, numbers as written."""
    return str(value).lower() if isinstance(value, bool) else str(value)
