# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One way to say what is wrong: name the thing, say what was wanted and found, say what to do.

Private to this collection.
"""

from __future__ import annotations

import dataclasses
import re
import textwrap

_LABEL_WIDTH = 10
_PAGE_WIDTH = 118


@dataclasses.dataclass(frozen=True)
class Problem:
    """A reason why the declaration cannot be made true.

    Args:
        path: where it stands in the declaration, such as ``clusters.shop.dns``, or the name of a live object.
        message: one sentence saying what is wrong.
        found: the value that was found, as the user would write it; empty when it is in the message.
        because: what makes it wrong, when the message alone does not say.
        fix: what to write or do instead.
        docs: a page of this collection's documentation.
    """

    path: str
    message: str
    found: str = ""
    because: str = ""
    fix: str = ""
    docs: str = ""

    def as_dict(self) -> dict[str, str]:
        """The problem as a dictionary without its empty parts, for machines and tests."""
        return {key: value for key, value in dataclasses.asdict(self).items() if value}

    def as_text(self) -> str:
        """The problem as a paragraph: a headline and aligned, labelled lines."""
        lines = textwrap.wrap(
            f"{self.path}: {plain(self.message)}", _PAGE_WIDTH, subsequent_indent="  ", break_on_hyphens=False
        ) or [self.path]
        for label in ("found", "because", "fix", "docs"):
            text = plain(getattr(self, label))
            if text:
                lines += _labelled(label, text)
        return "\n".join(lines)


def _labelled(label: str, text: str) -> list[str]:
    margin = " " * (2 + _LABEL_WIDTH)
    wrapped = textwrap.wrap(text, _PAGE_WIDTH - len(margin), break_long_words=False, break_on_hyphens=False) or [""]
    return [f"  {label:<{_LABEL_WIDTH}}{wrapped[0]}", *(margin + line for line in wrapped[1:])]


def plain(text: str) -> str:
    """Text without Ansible's markup: ``V(additive)`` becomes ``additive``."""
    return re.sub(r"\b[VOCE]\(([^)]*)\)", r"\1", text)


def page(problems: list[Problem], title: str) -> str:
    """All problems as one page of text, in the order in which they were found.

    Args:
        problems: at least one problem.
        title: the first line; the number of problems is put after it.
    """
    count = "one problem" if len(problems) == 1 else f"{len(problems)} problems"
    return "\n\n".join([f"{title} ({count})", *(problem.as_text() for problem in problems)])


def one_or_list(words: list[str]) -> str:
    """``a``, ``a or b``, ``a, b or c``."""
    if len(words) <= 1:
        return "".join(words)
    return f"{', '.join(words[:-1])} or {words[-1]}"
