# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Global Cloud Armor security policies: rules by priority, each changed by a call of its own."""

from __future__ import annotations

import ipaddress
import re
from collections import Counter
from typing import Any

from testbed.google.errors import GoogleError
from testbed.google.rules import Immutable, Said
from testbed.google.service import Call, handles
from testbed.google.services.compute.common import BASE, NAME_RULES, Readable, fingerprint, in_use, invalid

_TEXT = "compute.v1, field text"
_UPDATE = "compute.securityPolicies.update"
_KINDS = ("CLOUD_ARMOR", "CLOUD_ARMOR_EDGE")
DEFAULT = 2147483647
_RANGES = 10
_ACTION = r"allow|deny\((403|404|502)\)"
_PLAIN = ("description", "action", "match", "preview")
_SETTINGS = ("description", "advancedOptionsConfig")
_RULE = [
    Said("a rule matches at most ten ranges, or by one expression", source=f"{_TEXT} of srcIpRanges, of match"),
    Said("an action is allow or deny(403|404|502), others are not emulated", source=f"{_TEXT} of action; our limit"),
]
_THERE = Said("refuses (400) a priority without a rule", source="googleapis/python-compute #173")
_ONCE = Said("no two rules have one priority", source="GoogleCloudPlatform/deploymentmanager-samples #695")


class SecurityPolicies(Readable):
    """Policies for backends; a backend service that names one keeps it from being deleted."""

    collection = "securityPolicies"
    kind = "compute#securityPolicy"
    method_prefix = "compute.securityPolicies"

    @handles(
        ".insert",
        rules=[
            *NAME_RULES,
            *_RULE,
            Said("without rules there is one that lets in everybody", source=f"{_TEXT} of rules"),
            Said("a list of rules holds the default one", source=f"{_TEXT} of rules: there must always be"),
            _ONCE,
        ],
    )
    def insert(self, call: Call) -> dict[str, Any]:
        if (operation := self.repeated(call)) is not None:
            return operation
        body = call.body
        if (kind := body.get("type", "CLOUD_ARMOR")) not in _KINDS:
            raise invalid("type", kind, f"The testbed has {' and '.join(_KINDS)}.")
        rules = [_rule(each) for each in body.get("rules") or [_everybody("allow")]]
        for priority, times in Counter(each["priority"] for each in rules).items():
            if times > 1:
                raise _taken(priority)
        if max(each["priority"] for each in rules) != DEFAULT:
            raise invalid("rules", "", f"There must be a default rule with the priority {DEFAULT}.")
        settings = {name: body[name] for name in _SETTINGS if body.get(name)}
        document = self.created(call, {"name": body["name"], **settings, "type": kind, "rules": _sorted(rules)})
        document["fingerprint"] = fingerprint(document)
        operation = self.operate(call, document, "insert")
        call.store.put(f"compute/{self.path(call, body['name'])}", document)
        return operation

    @handles(".list")
    def list(self, call: Call) -> dict[str, Any]:
        # The only list of Compute Engine here without a link to itself.
        return {name: value for name, value in super().list(call).items() if name != "selfLink"}

    @handles(
        ".patch",
        rules=[
            Immutable(("name", "type"), source="google-apis.md section 5"),
            Said("needs the current fingerprint (412 otherwise)", source=f"{_TEXT} of fingerprint"),
            Said("does not change rules", source="text of securityPolicies.patch; pulumi/pulumi-google-native #164"),
        ],
    )
    def patch(self, call: Call) -> dict[str, Any]:
        if (operation := self.repeated(call)) is not None:
            return operation
        before = self.stored(call)
        call.immutable(before, call.body)
        if call.body.get("fingerprint") != before["fingerprint"]:
            raise GoogleError(412, "Invalid fingerprint.", reason="conditionNotMet")
        if call.body.get("rules", before["rules"]) != before["rules"]:
            raise invalid("rules", "", "Rules are changed with addRule, patchRule and removeRule.")
        cleared = {name for name in call.mask if name not in call.body}
        settings = {name: call.body[name] for name in _SETTINGS if name in call.body}
        return self._write(call, {k: v for k, v in {**before, **settings}.items() if k not in cleared}, "patch")

    @handles(".delete", rules=[Said("refused while a backend service uses it", source="google-apis.md 4.3")])
    def delete(self, call: Call) -> dict[str, Any]:
        document = self.stored(call)
        for user in call.store.children(f"compute/{self.scope(call)}/backendServices"):
            if user.get("securityPolicy") == document["selfLink"]:
                raise in_use(self.path(call), user["selfLink"].removeprefix(BASE))
        return self.operate(call, document, "delete", delete=True)

    @handles(".getRule", rules=[_THERE], permission="compute.securityPolicies.get")
    def get_rule(self, call: Call) -> dict[str, Any]:
        return self._at(call, self.stored(call))

    @handles(".addRule", rules=[*_RULE, _ONCE], permission=_UPDATE)
    def add_rule(self, call: Call) -> dict[str, Any]:
        before, added = self.stored(call), _rule(call.body)
        if any(each["priority"] == added["priority"] for each in before["rules"]):
            raise _taken(added["priority"])
        return self._write(call, {**before, "rules": _sorted([*before["rules"], added])}, "addRule")

    @handles(
        ".patchRule",
        rules=[
            *_RULE,
            _THERE,
            Said("changes what the body names, and clears what only updateMask names", source="text of patchRule"),
            Said("the default rule matches everybody", source=f"{_TEXT} of rules"),
        ],
        permission=_UPDATE,
    )
    def patch_rule(self, call: Call) -> dict[str, Any]:
        before = self.stored(call)
        rule = self._at(call, before)
        body = {name: value for name, value in call.body.items() if name in (*_PLAIN, "priority")}
        cleared = {name for name in call.mask if name not in body}
        patched = _rule({k: v for k, v in {**rule, **body}.items() if k not in cleared})
        if rule["priority"] == DEFAULT and (patched["priority"], patched["match"]) != (DEFAULT, rule["match"]):
            raise invalid("match", "", "The default rule matches everybody.")
        others = [each for each in before["rules"] if each is not rule]
        if any(each["priority"] == patched["priority"] for each in others):
            raise _taken(patched["priority"])
        return self._write(call, {**before, "rules": _sorted([*others, patched])}, "patchRule")

    @handles(
        ".removeRule",
        rules=[_THERE, Said("the default rule stays", source=f"{_TEXT} of rules: there must always be")],
        permission=_UPDATE,
    )
    def remove_rule(self, call: Call) -> dict[str, Any]:
        before = self.stored(call)
        rule = self._at(call, before)
        if rule["priority"] == DEFAULT:
            raise GoogleError(400, "Invalid value for field 'priority': the default rule cannot be removed.")
        left = [each for each in before["rules"] if each is not rule]
        return self._write(call, {**before, "rules": left}, "removeRule")

    def _at(self, call: Call, document: dict[str, Any]) -> dict[str, Any]:
        # Without the parameter the priority is 0 (googleapis/python-compute #173).
        priority = int(call.query.get("priority") or 0)
        for rule in document["rules"]:
            if rule["priority"] == priority:
                return rule
        text = f"{document['name']} does not contain a rule at priority {priority}."
        raise GoogleError(400, f"Invalid value for field 'priority': '{priority}'. {text}")

    def _write(self, call: Call, document: dict[str, Any], kind: str) -> dict[str, Any]:
        document["fingerprint"] = fingerprint(document)
        operation = self.operate(call, document, kind, before=self.stored(call))
        call.store.put(f"compute/{self.path(call)}", document)
        return operation


def _taken(priority: int) -> GoogleError:
    return invalid("priority", priority, "Cannot have rules with the same priorities.")


def _sorted(rules: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(rules, key=lambda each: each["priority"])


def _everybody(action: str) -> dict[str, Any]:
    match = {"versionedExpr": "SRC_IPS_V1", "config": {"srcIpRanges": ["*"]}}
    return {"priority": DEFAULT, "action": action, "match": match, "description": "default rule"}


def _rule(body: dict[str, Any]) -> dict[str, Any]:
    """Return a rule as it is kept. Raises GoogleError 400."""
    priority = int(body.get("priority") or 0)
    if not 0 <= priority <= DEFAULT:
        raise invalid("priority", priority, f"Must be between 0 and {DEFAULT}.")
    if not re.fullmatch(_ACTION, body.get("action") or ""):
        raise invalid("action", body.get("action", ""), "Must be allow or deny(403), deny(404), deny(502).")
    match = body.get("match") or {}
    expression = (match.get("expr") or {}).get("expression")
    ranges = (match.get("config") or {}).get("srcIpRanges") or []
    if bool(expression) == bool(match.get("versionedExpr")) or bool(ranges) != bool(match.get("versionedExpr")):
        raise invalid("match", "", "Either expr or versionedExpr with config must be specified.")
    if len(ranges) > _RANGES:
        raise invalid("match.config.srcIpRanges", "", f"The number of ranges, {len(ranges)}, exceeds {_RANGES}.")
    for text in ranges:
        try:
            text == "*" or ipaddress.ip_network(text)
        except ValueError as exc:
            raise invalid("match.config.srcIpRanges", text, f"Must be a CIDR address range. ({exc})") from exc
    found = {"kind": "compute#securityPolicyRule", "priority": priority, "preview": False}
    return {**found, **{name: body[name] for name in _PLAIN if body.get(name) not in (None, "")}}
