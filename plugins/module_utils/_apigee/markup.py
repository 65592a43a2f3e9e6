# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This package is private to the collection: nothing outside gatewayops.apigee_gke may import it.
"""Reading the XML of a bundle: safe against hostile input, with line numbers, and in one comparable form.

Standard library only. A document type declaration is refused outright, which removes entity expansion and external
entities in one stroke: no file that Apigee itself reads as configuration needs one.
"""

from __future__ import annotations

from xml.etree import ElementTree
from xml.parsers import expat

#: Nesting beyond this is never a bundle; it keeps every recursive walk of a tree within Python's own limit.
MAXIMUM_DEPTH = 200


class MarkupError(Exception):
    """The text is not acceptable XML.

    ``line`` counts from 1 (0 if unknown); ``reason`` is one sentence without the position.
    """

    def __init__(self, reason: str, line: int = 0) -> None:
        super().__init__(f"line {line}: {reason}" if line else reason)
        self.reason = reason
        self.line = line


def parse(data: bytes) -> ElementTree.Element:
    """Return the root element of ``data``.

    Comments and processing instructions are dropped; prefixes stay as they are written (no namespace processing), since
    what is compared is the configuration that a person wrote.

    Raises ``MarkupError`` for malformed XML, a document type declaration, or nesting beyond ``MAXIMUM_DEPTH``.
    """
    builder = ElementTree.TreeBuilder()
    parser = expat.ParserCreate()
    parser.buffer_text = True
    depth = 0

    def refuse_document_type(*unused: object) -> None:
        raise MarkupError("a document type declaration (DOCTYPE) is not accepted", parser.CurrentLineNumber)

    def start(tag: str, attributes: dict[str, str]) -> None:
        nonlocal depth
        depth += 1
        if depth > MAXIMUM_DEPTH:
            raise MarkupError(f"elements are nested deeper than {MAXIMUM_DEPTH}", parser.CurrentLineNumber)
        builder.start(tag, attributes)

    def end(tag: str) -> None:
        nonlocal depth
        depth -= 1
        builder.end(tag)

    parser.StartDoctypeDeclHandler = refuse_document_type
    parser.EntityDeclHandler = refuse_document_type
    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = builder.data
    try:
        parser.Parse(data, True)
    except expat.ExpatError as error:
        reason = expat.errors.messages.get(error.code, str(error)) if error.code else str(error)
        raise MarkupError(reason, error.lineno) from None
    except (LookupError, ValueError) as error:  # an encoding that Python does not know
        raise MarkupError(str(error)) from None
    return builder.close()


def canonical(element: ElementTree.Element, blank_is_empty: bool = False) -> list:
    """Return ``element`` as plain lists that are equal when two documents differ in layout only.

    Layout is: the order of attributes, and white space between elements. Text of an element without children is kept
    exactly (it may be a payload), unless it is blank and ``blank_is_empty`` says that this file holds no payloads. Text
    beside child elements counts only where some of it is not blank (mixed content is kept exactly).
    ``xml:space="preserve"`` keeps everything.
    """
    return _canonical(element, blank_is_empty, False)


def _canonical(element: ElementTree.Element, blank_is_empty: bool, preserve: bool) -> list:
    space = element.get("xml:space")
    preserve = space == "preserve" if space else preserve
    texts = [element.text or "", *(child.tail or "" for child in element)]
    children = len(element) > 0
    ignorable = (children or blank_is_empty) and not preserve and not "".join(texts).strip()
    content: list = []
    for index, text in enumerate(texts):
        if text and not ignorable:
            content.append(text)
        if index < len(element):
            content.append(_canonical(element[index], blank_is_empty, preserve))
    return [element.tag, sorted(element.attrib.items()), content]


def pretty(form: list, indent: str = "") -> list[str]:
    """Return the lines of a ``canonical`` form, one element a line: what a person compares in a diff."""
    tag, attributes, content = form
    opening = "<" + tag + "".join(f' {name}="{_escape(value, quote=True)}"' for name, value in attributes)
    if not content:
        return [f"{indent}{opening}/>"]
    if any(isinstance(part, str) for part in content):
        inside = "".join(_escape(part) if isinstance(part, str) else "".join(pretty(part)) for part in content)
        return f"{indent}{opening}>{inside}</{tag}>".split("\n")
    lines = [f"{indent}{opening}>"]
    for part in content:
        lines.extend(pretty(part, indent + "    "))
    return [*lines, f"{indent}</{tag}>"]


def _escape(text: str, quote: bool = False) -> str:
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return text.replace('"', "&quot;").replace("\n", "&#10;") if quote else text


def local_text(element: ElementTree.Element | None) -> str:
    """Return the stripped text of ``element``, or an empty string when it is absent."""
    return (element.text or "").strip() if element is not None else ""
