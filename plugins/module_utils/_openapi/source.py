# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An OpenAPI document as text: read with line numbers, written the same way every time, told apart by its content.

Private to the collection. JSON is read as well, being YAML.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import typing as t

try:
    import yaml
except ImportError:  # The module says so, with what to install (missing_required_lib).
    yaml = None  # type: ignore[assignment]

#: API Gateway takes no document with more YAML aliases ("OpenAPI feature limitations").
MOST_ALIASES = 200
#: Values in one document, aliases resolved. A thousand operations need about 50 000.
MOST_VALUES = 300_000
MOST_LEVELS = 60
_TAG = "tag:yaml.org,2002:"
_MERGE = _TAG + "merge"

#: The way to a value: a key or an index for each step.
Place = tuple[t.Any, ...]


class Unreadable(Exception):
    """The text is no document. ``line`` counts from 1, 0 when there is none; ``reason`` is a sentence without a stop."""

    def __init__(self, reason: str, line: int = 0) -> None:
        super().__init__(f"line {line}: {reason}" if line else reason)
        self.reason = reason
        self.line = line


@dataclasses.dataclass
class Source:
    """A document and where each of its values stands."""

    text: str
    value: dict[str, t.Any]
    lines: dict[Place, int]

    def line(self, place: Place) -> int:
        """The line of a value, or of the nearest one around it."""
        while place and place not in self.lines:
            place = place[:-1]
        return self.lines.get(place, 1)


def read(given: t.Any) -> Source:
    """A document from its text, or from data, which is written first. Raises Unreadable."""
    text = given if isinstance(given, str) else write(given)
    if yaml is None:
        raise Unreadable("PyYAML is not installed")
    return _Reader(text).source()


def write(document: t.Any) -> str:
    """Data as YAML: the order given, no aliases."""
    if yaml is None:
        raise Unreadable("PyYAML is not installed")

    class Dumper(yaml.SafeDumper):
        """Spells everything out."""

        def ignore_aliases(self, data: t.Any) -> bool:
            return True

        def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
            return super().increase_indent(flow, False)

    return yaml.dump(document, Dumper=Dumper, sort_keys=False, allow_unicode=True, width=120)


def canonical(document: t.Any) -> str:
    """The same text for the same content, whatever the order, spacing and comments of its source."""
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def digest(*parts: t.Any) -> str:
    """Ten characters [0-9a-f] that stand for the content of all parts."""
    return hashlib.sha256(canonical(list(parts)).encode()).hexdigest()[:10]


class _Reader:
    """One text: nodes become values, and every value's line is noted."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.lines: dict[Place, int] = {}
        self.count = 0
        self.loader: t.Any = None
        #: Mappings whose merge keys are resolved: an alias leads to them a second time.
        self.merged: set[int] = set()

    def source(self) -> Source:
        try:
            aliases = sum(isinstance(event, yaml.AliasEvent) for event in yaml.parse(self.text, Loader=yaml.SafeLoader))
            if aliases > MOST_ALIASES:
                raise Unreadable(f"it has {aliases} YAML aliases, and API Gateway takes at most {MOST_ALIASES}")
            self.loader = yaml.SafeLoader(self.text)
            node = self.loader.get_single_node()
            value = self._value(node, (), ()) if node is not None else None
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            raise Unreadable(str(error.problem or error.context), mark.line + 1 if mark else 0) from None
        except (yaml.YAMLError, ValueError) as error:
            raise Unreadable(" ".join(str(error).split())) from None
        except RecursionError:
            raise Unreadable(f"it is nested deeper than {MOST_LEVELS} levels") from None
        if not isinstance(value, dict):
            raise Unreadable("it is no mapping of keys to values", 1)
        return Source(self.text, value, self.lines)

    def _value(self, node: t.Any, place: Place, around: tuple[int, ...]) -> t.Any:
        line = node.start_mark.line + 1
        self.lines.setdefault(place, line)
        self.count += 1
        if self.count > MOST_VALUES:
            raise Unreadable(f"it holds more than {MOST_VALUES} values once its aliases are resolved", line)
        if id(node) in around:
            raise Unreadable("a YAML alias leads back into itself", line)
        if len(around) > MOST_LEVELS:
            raise Unreadable(f"it is nested deeper than {MOST_LEVELS} levels", line)
        if not isinstance(node, yaml.ScalarNode) and node.tag not in (_TAG + "map", _TAG + "seq"):
            raise Unreadable(f"the tag {node.tag.replace(_TAG, '!!')} means nothing here", line)
        inside = (*around, id(node))
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, place, inside)
        if isinstance(node, yaml.SequenceNode):
            return [self._value(item, (*place, index), inside) for index, item in enumerate(node.value)]
        value = self.loader.construct_object(node)
        # Dates and the like: OpenAPI knows JSON's types only, and what was written is what is meant.
        return value if value is None or isinstance(value, (str, bool, int, float)) else node.value

    def _mapping(self, node: t.Any, place: Place, inside: tuple[int, ...]) -> dict[str, t.Any]:
        if id(node) not in self.merged:
            self.merged.add(id(node))
            own: set[str] = set()
            for key, _value in node.value:
                if key.tag != _MERGE and isinstance(key, yaml.ScalarNode):
                    if key.value in own:
                        raise Unreadable(f"the key {key.value!r} stands there twice", key.start_mark.line + 1)
                    own.add(key.value)
            self.loader.flatten_mapping(node)
        found: dict[str, t.Any] = {}
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise Unreadable("a key is not a plain value", key.start_mark.line + 1)
            self.lines[(*place, key.value)] = key.start_mark.line + 1
            found[key.value] = self._value(value, (*place, key.value), inside)
        return found
