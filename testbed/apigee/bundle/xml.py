# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""XML of a bundle, read safely, and a reader that accounts for every element and attribute.

The rule of this package is that nothing is ignored silently. So a parser names, for each element, what it executes,
what has no effect at run time, and what Apigee knows but this runtime does not execute; the rest is invalid.
"""
from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from lxml import etree


@dataclass
class Problems:
    """What was found wrong: ``violations`` are refused at import, ``unsupported`` at deployment."""

    violations: list[str] = field(default_factory=list)
    unsupported: list[str] = field(default_factory=list)


def parse(data: bytes, file: str, problems: Problems) -> Node | None:
    """The root element of an XML file, or None when it is malformed (which is then among the violations)."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False,
                             remove_comments=True, remove_pis=True)
    try:
        root = etree.fromstring(data, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        problems.violations.append(f"{file}: malformed XML: {error}")
        return None
    if root.getroottree().docinfo.doctype:
        problems.violations.append(f"{file}: a document type declaration is not allowed")
        return None
    return Node(root, file, problems, str(root.tag))


class Node:
    """One element of a file, knowing its place (for messages) and where to report problems."""

    def __init__(self, element: etree._Element, file: str, problems: Problems, path: str) -> None:
        self.element = element
        self.file = file
        self.problems = problems
        self.path = path

    @property
    def tag(self) -> str:
        return str(self.element.tag)

    @property
    def text(self) -> str:
        return (self.element.text or "").strip()

    @property
    def raw_text(self) -> str:
        """Everything inside the element, child elements serialised: what a payload is."""
        inner = self.element.text or ""
        for child in self.element:
            inner += etree.tostring(child, encoding="unicode")
        return inner

    def invalid(self, message: str) -> None:
        self.problems.violations.append(f"{self.file}: {self.path}: {message}")

    def unsupported(self, message: str) -> None:
        self.problems.unsupported.append(f"{self.file}: {self.path}: {message}")

    def __iter__(self) -> Iterator[Node]:
        for child in self.element:
            yield Node(child, self.file, self.problems, f"{self.path}/{child.tag}")

    def all(self, tag: str) -> list[Node]:
        return [child for child in self if child.tag == tag]

    def child(self, tag: str) -> Node | None:
        """The only child with this tag; a second one is a violation."""
        found = self.all(tag)
        if len(found) > 1:
            self.invalid(f"element {tag} appears {len(found)} times")
        return found[0] if found else None

    def child_text(self, tag: str) -> str | None:
        """Text of the only child with this tag; None when there is no such child."""
        child = self.child(tag)
        return None if child is None else child.text

    def attribute(self, name: str) -> str | None:
        value = self.element.get(name)
        return None if value is None else value.strip()

    def boolean(self, value: str | None, default: bool, what: str) -> bool:
        """Apigee writes true and false; anything else is a violation naming ``what``."""
        if value is None or value == "":
            return default
        if value.lower() in ("true", "false"):
            return value.lower() == "true"
        self.invalid(f"{what} must be true or false, not '{value}'")
        return default

    def integer(self, value: str | None, default: int, what: str, minimum: int = 0) -> int:
        if value is None or value == "":
            return default
        try:
            number = int(value)
        except ValueError:
            self.invalid(f"{what} must be a whole number, not '{value}'")
            return default
        if number < minimum:
            self.invalid(f"{what} must be at least {minimum}, not {number}")
        return number

    def check(self, *, children: tuple[str, ...] = (), attributes: tuple[str, ...] = (),
              inert: tuple[str, ...] = (), beyond: tuple[str, ...] = ()) -> None:
        """Accounts for every child and attribute.

        ``children`` and ``attributes`` are executed by the caller, ``inert`` ones (children or attributes) have no
        effect at run time, ``beyond`` ones are Apigee's but not executed here.
        """
        for child in self:
            if child.tag in beyond:
                child.unsupported("is not executed by the testbed's Apigee runtime")
            elif child.tag not in children and child.tag not in inert:
                child.invalid("unknown element")
        for name in self.element.attrib:
            name = str(name)
            if name in beyond:
                self.unsupported(f"attribute {name} is not executed by the testbed's Apigee runtime")
            elif name not in attributes and name not in inert:
                self.invalid(f"unknown attribute {name}")
