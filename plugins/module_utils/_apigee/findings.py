# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module is private to the collection: nothing outside gatewayops.apigee_gke may import it.
"""What is found in a bundle, and the reading of its files that every check shares."""

from __future__ import annotations

from dataclasses import dataclass
from xml.etree import ElementTree

from . import markup
from .bundle import Bundle


@dataclass(frozen=True)
class Finding:
    """One fault: ``file`` within the bundle, ``element`` (a readable path, may be empty), what is wrong, what to do."""

    file: str
    element: str
    problem: str
    remedy: str

    def __str__(self) -> str:
        where = f"{self.file}, {self.element}" if self.element else self.file
        return f"{where}: {self.problem}. {self.remedy}."


class Findings:
    """Faults of one bundle (``faults``: Apigee refuses it, or it cannot work), and what should be otherwise (``advice``)."""

    def __init__(self, bundle: Bundle) -> None:
        self.bundle = bundle
        self.faults: list[Finding] = []
        self.advice: list[Finding] = []

    def add(self, file: str, element: str, problem: str, remedy: str) -> None:
        """Note a fault."""
        self.faults.append(Finding(file, element, problem, remedy))

    def advise(self, file: str, element: str, problem: str, remedy: str) -> None:
        """Note what works and should not stay so."""
        self.advice.append(Finding(file, element, problem, remedy))

    def parse(self, path: str) -> ElementTree.Element | None:
        """The root element of a file; None, and a fault, where it is malformed."""
        try:
            return markup.parse(self.bundle.files[path])
        except markup.MarkupError as error:
            where = f"line {error.line}" if error.line else ""
            self.add(
                path,
                where,
                f"the XML is malformed: {error.reason}",
                "Correct the file; Apigee refuses the whole bundle",
            )
            return None
