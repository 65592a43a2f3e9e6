# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is found wrong in an OpenAPI document. Private to the collection."""

from __future__ import annotations

import dataclasses
import difflib
import typing as t

from .source import Place, Source


@dataclasses.dataclass(frozen=True)
class Finding:
    """One fault: where (line and readable place), what is wrong, what to do."""

    line: int
    place: str
    problem: str
    remedy: str

    def __str__(self) -> str:
        return f"line {self.line}, {self.place}: {self.problem}. {self.remedy}."


class Findings:
    """Faults of one document, and what should be otherwise in it (``advice``)."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.document = source.value
        self.faults: list[Finding] = []
        self.advice: list[Finding] = []

    def add(self, place: Place, problem: str, remedy: str) -> None:
        """Note what Google refuses, or what would not do what it says."""
        self.faults.append(self._finding(place, problem, remedy))

    def advise(self, place: Place, problem: str, remedy: str) -> None:
        """Note what works and should not stay so."""
        self.advice.append(self._finding(place, problem, remedy))

    def _finding(self, place: Place, problem: str, remedy: str) -> Finding:
        return Finding(self.source.line(place), spelled(place), problem, remedy)


def spelled(place: Place) -> str:
    """A place as people write it: ``paths./orders.get.security[0]``."""
    text = ""
    for part in place:
        text += f"[{part}]" if isinstance(part, int) else f".{part}"
    return text.lstrip(".") or "the document"


def nearest(word: str, known: t.Iterable[str]) -> str:
    """``Write x`` for the nearest known word, else the list of them."""
    words = sorted(known)
    near = difflib.get_close_matches(word, words, n=1, cutoff=0.6)
    return f"Write {near[0]}" if near else f"Write one of {', '.join(words)}"


def mapping(value: t.Any) -> dict[str, t.Any]:
    """The value if it is a mapping, else an empty one: its type is somebody else's finding."""
    return value if isinstance(value, dict) else {}
