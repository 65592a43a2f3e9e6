# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Cloud Armor security policy: who gets through a load balancer. Private to the collection.

``read`` tells the default rule apart from the others, as the options do; ``body`` puts it back.
"""

from __future__ import annotations

import dataclasses
import re
import typing as t

from .._engine.compare import Change, differences
from .._engine.fields import Document, Field, Options, with_initial
from .._engine.ownership import without_sentence
from .._engine.resource import Reference
from .._google.errors import ApiError, Failure
from .apigee_nat_address import address_of, forget_address
from .compute_common import ComputeResource
from .compute_security_rules import DEFAULT, EVERYBODY, Rule, laid_out, problems
from .compute_security_steps import NoRoomError, Step, steps

_NAME = re.compile(r"^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$")
_NAT_ADDRESS = re.compile(r"^(organizations/[^/]+/instances/[^/]+/natAddresses/[^/]+|[^/]+/[^/]+)$")
_ACTIONS = ("allow", "deny(403)", "deny(404)", "deny(502)")
#: Options that no patch of the policy changes: calls for single rules do.
_OF_RULES = frozenset(("rules", "default_action", "default_preview"))

_RULE = (
    Field("priority", type="int"),
    Field("action", choices=_ACTIONS, required=True),
    Field("source_ranges", type="list", elements="str", api="match.config.srcIpRanges", lists="set"),
    Field("apigee_nat_addresses", type="list", elements="str", api=None),
    Field("expression", api="match.expr.expression"),
    Field("preview", type="bool"),
    Field("description"),
)


def _apart(document: Document) -> Document:
    """The default rule beside the others."""
    rules = document.get("rules") or []
    default = next((rule for rule in rules if rule.get("priority") == DEFAULT), None)
    others = sorted((rule for rule in rules if rule is not default), key=lambda rule: int(rule.get("priority") or 0))
    return {**document, "rules": others, "defaultRule": default}


def _default(action: str, preview: bool) -> Rule:
    return Rule(DEFAULT, action, (EVERYBODY,), preview=preview, description="Whoever no other rule matches")


class ComputeSecurityPolicy(ComputeResource):
    """A global backend policy. Rules are changed by calls for single ones, never with a moment of a third policy."""

    kind = "compute_security_policy"
    title = "security policy"
    path = "compute/v1/projects/{project}/global/securityPolicies/{name}"
    update_method = "PATCH"
    update_carries = ("fingerprint",)
    timeout = 900.0
    # Calls of an address that is being given back still arrive until it is gone.
    outlives = ("apigee_nat_address",)
    fields = (
        Field("name", required=True, identity=True),
        Field("description", decode=without_sentence),
        Field("type", choices=("CLOUD_ARMOR", "CLOUD_ARMOR_EDGE"), immutable=True, default="CLOUD_ARMOR"),
        Field("rules", type="list", elements="dict", fields=_RULE),
        Field("default_action", choices=_ACTIONS, api="defaultRule.action", initial="deny(403)"),
        Field("default_preview", type="bool", api="defaultRule.preview"),
        Field("log_level", choices=("NORMAL", "VERBOSE"), api="advancedOptionsConfig.logLevel", default="NORMAL"),
        Field("fingerprint", output=True),
        Field("self_link", output=True),
    )

    # -- rules -------------------------------------------------------------------------------------------------

    def validate(self) -> list[str]:
        """What no policy can be."""
        wrong = problems(self.options.get("rules") or [])
        if not _NAME.match(self.name):
            wrong.append(
                f"name is {self.name!r}. Use up to 63 lower-case letters, digits and dashes; start with a letter, end "
                "without a dash."
            )
        wrong += [
            f"rules[{index}]: apigee_nat_addresses: {text!r} is no NAT address. Write INSTANCE/NAME."
            for index, rule in enumerate(self.options.get("rules") or [])
            for text in rule.get("apigee_nat_addresses") or []
            if not _NAT_ADDRESS.match(text)
        ]
        return wrong

    def examine(self, found: Document, changes: list[Change]) -> list[str]:
        """That the way from the rules there are to those wanted has room."""
        if not any(change.top in _OF_RULES for change in changes):
            return []
        try:
            self._steps(found)
        except NoRoomError as error:
            return [
                f"rules cannot be changed like that one by one without letting in or keeping out callers in between whom "
                f"neither the old nor the new rules do, unless {error.needed} priorities are free before the first rule, "
                f"which is {error.front}. Let the rules begin at {error.needed} or later, in a run that changes nothing else."
            ]
        return []

    def references(self) -> list[Reference]:
        """NAT addresses, where rules are for them: reserved first, so that there is something to let in."""
        found = super().references()
        if any(rule.get("apigee_nat_addresses") for rule in self.options.get("rules") or []):
            found.append(Reference("apigee_nat_address", needed=False))
        return found

    # -- reading -----------------------------------------------------------------------------------------------

    def read(self) -> Document | None:
        """With the default rule apart."""
        found = super().read()
        return None if found is None else _apart(found)

    def everything(self) -> list[Document]:
        """All policies of the project."""
        return [_apart(document) for document in super().everything()]

    def _declared(self, strict: bool = False) -> list[Options]:
        """Declared rules with all that each is for, addresses of NAT included.

        One that is not reserved yet stands there by its name; ``strict``: it raises Failure.
        """
        return [
            {**rule, "ranges": [*(rule.get("source_ranges") or []), *self._nat_addresses(index, rule, strict)]}
            for index, rule in enumerate(self.options.get("rules") or [])
        ]

    def _nat_addresses(self, index: int, rule: Options, strict: bool) -> list[str]:
        found = []
        for text in rule.get("apigee_nat_addresses") or []:
            address = address_of(self, text)
            if address is None and strict:
                raise Failure(
                    f"rules[{index}]: apigee_nat_addresses: {text} is not reserved. Declare it as well "
                    "(apigee_nat_address), or leave it out."
                )
            found.append(f"(address of {text})" if address is None else address)
        return found

    # -- comparing ---------------------------------------------------------------------------------------------

    def difference(self, found: Document) -> list[Change]:
        """Fields as for all kinds; rules by priority, in Google's layout."""
        apart = tuple(field for field in self.fields if field.name != "rules")
        changes = differences(apart, self.options, self.describe(found))
        if self.options.get("rules") is None:
            return changes
        spec = next(field for field in self.fields if field.name == "rules")
        there = {rule.priority: rule for rule in self._found(found)}
        wanted = {rule.priority: rule for rule in laid_out(self._declared(), list(there.values()))}
        for priority in sorted(there.keys() | wanted.keys()):
            before, after = there.get(priority), wanted.get(priority)
            if before == after:
                continue
            label = f"rules[{priority}]"
            if before is None or after is None or before.other:
                told = [None if rule is None else rule.shown() for rule in (before, after)]
                changes.append(Change(label, told[0], told[1], spec, "rules"))
            else:
                told = [rule.shown() for rule in (before, after)]
                changes += [
                    Change(f"{label}.{name}", told[0].get(name), told[1].get(name), spec, "rules")
                    for name in sorted(told[0].keys() | told[1].keys())
                    if told[0].get(name) != told[1].get(name)
                ]
        return changes

    @staticmethod
    def _found(found: Document) -> list[Rule]:
        return [Rule.read(document) for document in found["rules"]]

    def _steps(self, found: Document, strict: bool = False) -> list[Step]:
        """The calls that bring about the declared rules. Raises NoRoomError."""
        there = self._found(found)
        before = Rule.read(found["defaultRule"]) if found["defaultRule"] else _default("allow", False)
        after = dataclasses.replace(
            before,
            action=self.options.get("default_action", before.action),
            preview=self.options.get("default_preview", before.preview),
        )
        wanted = there
        if self.options.get("rules") is not None:
            wanted = laid_out(self._declared(strict), there)
        # Who is not known yet is nobody for now.
        known = [
            dataclasses.replace(rule, ranges=tuple(one for one in rule.ranges if "(" not in one)) for rule in wanted
        ]
        return steps([*there, before], [*(rule for rule in known if rule.ranges or rule.expression), after])

    # -- writing -----------------------------------------------------------------------------------------------

    def body(self) -> Document:
        """With all rules, the default one among them: there is no moment without."""
        self._forget_addresses()
        full = with_initial(self.fields, self.options)
        body = super().body()
        body.pop("defaultRule")
        default = _default(full["default_action"], bool(full.get("default_preview")))
        body["rules"] = [rule.write() for rule in [*laid_out(self._declared(strict=True), []), default]]
        return {"type": "CLOUD_ARMOR", **body}

    def update(self, found: Document, changes: list[Change]) -> None:
        """The policy's own fields with one call, then the rules one by one."""
        own = [change for change in changes if change.top not in _OF_RULES]
        if own or self.adopting:
            super().update(found, own)
        if len(own) == len(changes):
            return
        self._forget_addresses()
        now = self.read()
        if now is None:
            raise Failure("somebody has deleted it meanwhile. Run again.")
        try:
            todo = self._steps(now, strict=True)
        except NoRoomError as error:
            raise Failure(
                f"somebody has changed its rules meanwhile: {error.needed} priorities have to be free."
            ) from error
        for step in todo:
            self._take(step)

    def _take(self, step: Step) -> None:
        """One call. One whose reply was lost has perhaps been carried out: then it is refused when repeated."""
        query: dict[str, t.Any] = {} if step.verb == "add" else {"priority": step.rule.priority}
        body = None if step.verb == "remove" else step.rule.write()
        try:
            where = f"{self.url()}/{step.verb}Rule"
            self.finish(self.wire.send(self.service, "POST", where, query=query, body=body, repeatable=True).json())
        except ApiError as error:
            if not error.uncertain or not self._taken(step):
                raise

    def _taken(self, step: Step) -> bool:
        there = {rule.priority: rule for rule in self._found(self.read() or {"rules": []})}
        return there.get(step.rule.priority) == (None if step.verb == "remove" else step.rule)

    def _forget_addresses(self) -> None:
        """They may have been reserved since the plan was made."""
        for rule in self.options.get("rules") or []:
            for text in rule.get("apigee_nat_addresses") or []:
                forget_address(self, text)
