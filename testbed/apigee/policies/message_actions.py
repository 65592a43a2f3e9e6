# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What AssignMessage and RaiseFault do to a message: Add, Copy, Remove, Set and AssignVariable, in document order.

Source: Apigee "AssignMessage policy".
"""
from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from testbed.apigee.bundle.xml import Node
from testbed.apigee.conditions import text_of
from testbed.apigee.faults import Fault
from testbed.apigee.messages import Message, Parameters
from testbed.apigee.policies.values import template
from testbed.apigee.templates import Template, UnresolvedVariable
from testbed.apigee.variables import ReadOnlyVariable

if TYPE_CHECKING:
    from testbed.apigee.context import Context

ACTIONS = ("Add", "Copy", "Remove", "Set", "AssignVariable")
_LISTS = {"Headers": "Header", "QueryParams": "QueryParam", "FormParams": "FormParam"}
# StatusCode first: it brings its usual reason phrase, which ReasonPhrase may then replace.
_SCALARS = ("StatusCode", "ReasonPhrase", "Path", "Verb", "Version")
_VARIABLES = {"Path": "path", "ReasonPhrase": "reason.phrase", "StatusCode": "status.code", "Verb": "verb",
              "Version": "version"}
_PREFIXES = {"Headers": "header", "QueryParams": "queryparam", "FormParams": "formparam"}


@dataclass(frozen=True)
class Scope:
    """What actions work on: the flow's variables, and how their faults are named (``steps.assignmessage``)."""

    context: Context
    policy: str
    codes: str
    ignore_unresolved: bool

    def render(self, text: Template) -> str:
        try:
            return text.render(self.context.get, self.ignore_unresolved)
        except UnresolvedVariable as error:
            raise Fault(500, f"{self.codes}.UnresolvedVariable", f"Unresolved variable : {error}") from None
        except (KeyError, ValueError, TypeError, re.error) as error:
            # A template function was given what it cannot work on.
            raise Fault(500, f"{self.codes}.ExecutionFailed",
                        f"Execution of {self.policy} failed: {text.text!r}: {error}") from None

    def set(self, message: Message | None, name: str, value: str | None) -> None:
        """Sets a part of a message, or a variable when there is no message."""
        if message is not None:
            if not message.set(name, value):
                raise self.failed(name, value)
            return
        try:
            self.context.set(name, value)
        except ReadOnlyVariable:
            raise self.failed(name, value) from None

    def failed(self, name: str, value: str | None) -> Fault:
        return Fault(500, f"{self.codes}.SetVariableFailed",
                     f"Failed to set variable {name} value {value} from policy {self.policy}")


@dataclass(frozen=True)
class Assign:
    """Add and Set: parameters by list (``Headers`` ...), payload, and the scalars of the message."""

    replace: bool
    parameters: tuple[tuple[str, str, Template], ...]
    payload: Template | None
    content_type: Template | None
    scalars: tuple[tuple[str, Template], ...]

    def apply(self, scope: Scope, message: Message) -> None:
        if self.replace:
            for group, name in dict.fromkeys((group, name) for group, name, _ in self.parameters):
                scope.set(message, f"{_PREFIXES[group]}.{name}", None)
        for group, name, value in self.parameters:
            _add(message, group, name, scope.render(value))
        if self.payload is not None:
            message.body = scope.render(self.payload).encode()
            if self.content_type is not None:
                message.headers["Content-Type"] = scope.render(self.content_type)
        for name, value in self.scalars:
            scope.set(message, _VARIABLES[name], scope.render(value))


@dataclass(frozen=True)
class Remove:
    """``parameters`` are (list, name); a name of None removes the whole list."""

    parameters: tuple[tuple[str, str | None], ...]
    payload: bool

    def apply(self, scope: Scope, message: Message) -> None:
        for group, name in self.parameters:
            if name is not None:
                scope.set(message, f"{_PREFIXES[group]}.{name}", None)
            elif group == "Headers":
                message.headers.clear()
            elif group == "QueryParams":
                message.query.remove()
            elif message.form().pairs:
                message.set_form(Parameters())
        if self.payload:
            message.body = b""


@dataclass(frozen=True)
class Copy:
    """From another message; like Remove in what it names. ``scalars`` are the scalars to copy."""

    source: str | None
    parameters: tuple[tuple[str, str | None], ...]
    payload: bool
    scalars: tuple[str, ...]

    def apply(self, scope: Scope, message: Message) -> None:
        source = scope.context.message if self.source is None else scope.context.named(self.source)
        if source is None:
            raise Fault(500, f"{scope.codes}.VariableOfNonMsgType", f"Variable {self.source} is not a message")
        if source is message:
            # The policy that Apigee's editor starts with copies the request onto itself.
            return
        for group, name in self.parameters:
            pairs = [pair for pair in _pairs(source, group) if name is None or pair[0].lower() == name.lower()]
            for key in dict.fromkeys(key for key, _ in pairs):
                scope.set(message, f"{_PREFIXES[group]}.{key}", None)
            for key, value in pairs:
                _add(message, group, key, value)
        if self.payload:
            message.body = source.body
            message.stream = source.stream
            if "Content-Type" in source.headers:
                message.headers["Content-Type"] = source.headers["Content-Type"]
        for name in self.scalars:
            value = source.get(_VARIABLES[name])
            if value is not None:
                scope.set(message, _VARIABLES[name], text_of(value))


@dataclass(frozen=True)
class AssignVariable:
    """Ref when it resolves, else Template, else Value."""

    name: Template
    reference: str | None
    template: Template | None
    template_reference: str | None
    value: str | None

    def apply(self, scope: Scope, message: Message) -> None:
        result = scope.context.get(self.reference) if self.reference else None
        if result is None and self.template_reference:
            source = scope.context.get(self.template_reference)
            result = None if source is None else scope.render(Template(text_of(source)))
        if result is None and self.template is not None:
            result = scope.render(self.template)
        if result is None:
            result = self.value
        name = scope.render(self.name)
        try:
            scope.context.set(name, result)
        except ReadOnlyVariable:
            raise scope.failed(name, text_of(result)) from None


def _add(message: Message, group: str, name: str, value: str) -> None:
    if group == "Headers":
        message.headers.add(name, value)
    elif group == "QueryParams":
        message.query.add(name, value)
    else:
        form = message.form()
        form.add(name, value)
        message.set_form(form)


def _pairs(message: Message, group: str) -> list[tuple[str, str]]:
    if group == "Headers":
        return list(message.headers.items())
    return list(message.query.pairs if group == "QueryParams" else message.form().pairs)


# Reading -----------------------------------------------------------------------------------------------------------


def read_actions(node: Node) -> tuple[Assign | Remove | Copy | AssignVariable, ...]:
    """The actions among a node's children; other children are the caller's."""
    readers = {"Add": _assign, "Set": _assign, "Remove": _remove, "Copy": _copy, "AssignVariable": _assign_variable}
    return tuple(readers[child.tag](child) for child in node if child.tag in readers)


def _assign(node: Node) -> Assign:
    payloads = () if node.tag == "Add" else ("Payload", *_SCALARS)
    node.check(children=(*_LISTS, *payloads), beyond=("Authentication",))
    parameters = []
    for group, item in _LISTS.items():
        holder = node.child(group)
        if holder is None:
            continue
        holder.check(children=(item,))
        for child in holder.all(item):
            child.check(attributes=("name",))
            if not child.attribute("name"):
                child.invalid(f"{item} without name")
                continue
            parameters.append((group, child.attribute("name") or "", template(child, child.element.text or "")))
    payload = node.child("Payload")
    content_type = None
    text = None
    if payload is not None:
        # Elements inside are the payload itself, so only attributes are checked.
        for name in payload.element.attrib:
            if name not in ("contentType", "variablePrefix", "variableSuffix"):
                payload.invalid(f"unknown attribute {name}")
        text = template(payload, payload.raw_text, payload.attribute("variablePrefix") or "{",
                        payload.attribute("variableSuffix") or "}")
        if payload.attribute("contentType"):
            content_type = template(payload, payload.attribute("contentType") or "")
    # Empty elements, as Apigee's editor writes them, set nothing.
    scalars = tuple((name, template(child, child.text)) for name in _SCALARS
                    if (child := node.child(name)) is not None and child.text)
    return Assign(node.tag == "Set", tuple(parameters), text, content_type, scalars)


def _named(node: Node) -> tuple[tuple[str, str | None], ...]:
    found: list[tuple[str, str | None]] = []
    for group, item in _LISTS.items():
        holder = node.child(group)
        if holder is None:
            continue
        holder.check(children=(item,))
        names = [child.attribute("name") for child in holder.all(item)]
        found.extend((group, name) for name in names) if names else found.append((group, None))
    return tuple(found)


def _remove(node: Node) -> Remove:
    node.check(children=(*_LISTS, "Payload"))
    return Remove(_named(node), node.boolean(node.child_text("Payload"), False, "Payload"))


def _copy(node: Node) -> Copy:
    node.check(children=(*_LISTS, "Payload", *_SCALARS), attributes=("source",))
    if not len(node.element):
        node.unsupported("Copy without elements is not executed by the testbed's Apigee runtime: name what to copy")
    scalars = tuple(name for name in _SCALARS if node.boolean(node.child_text(name), False, name))
    return Copy(node.attribute("source"), _named(node), node.boolean(node.child_text("Payload"), False, "Payload"),
                scalars)


def _assign_variable(node: Node) -> AssignVariable:
    node.check(children=("Name", "Ref", "Template", "Value"), beyond=("PropertySetRef", "ResourceURL"))
    name = node.child_text("Name")
    if not name:
        node.invalid("AssignVariable without Name")
    text = node.child("Template")
    value = node.child("Value")
    reference = text.attribute("ref") if text is not None else None
    return AssignVariable(
        template(node, name or ""), node.child_text("Ref") or None,
        template(text, text.raw_text) if text is not None and not reference else None, reference,
        value.element.text or "" if value is not None else None)
