# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the preflights of all systems have in common: they ask what exists, and stop with all that is wrong.

Private to this collection.
"""

from __future__ import annotations

import typing

from ansible.module_utils.basic import AnsibleModule

from .._engine.main import open_context
from .._engine.spec import Spec, common
from .._google.errors import CredentialsError, Failure, UnreachableError
from .._google.session import Wire
from .problems import Problem, page
from .reads import Live, problem_of, problems_of

_TITLE = "The declaration cannot be made true. Nothing has been changed."
_UNASKED = "What exists could not be read. Nothing has been changed."

Answer = typing.TypeVar("Answer")


def options(**more: dict) -> Spec:
    """Options of every preflight, and ``more`` of its own."""
    return dict(
        common(),
        declaration={"type": "dict", "required": True},
        online={"type": "bool", "default": True},
        judge={"type": "bool", "default": True},
        **more,
    )


class Preflight:
    """A run of one of them.

    Args:
        module: made with ``options()``.
    """

    def __init__(self, module: AnsibleModule) -> None:
        self.module = module
        #: Whether what exists has to fit, or is only asked for.
        self.judge: bool = module.params["judge"]
        self.wire: Wire | None = None

    @property
    def counts(self) -> dict[str, int]:
        """Calls made, as ``reads`` and ``writes``."""
        made = self.wire.counts if self.wire else None
        return {"reads": made.reads if made else 0, "writes": made.writes if made else 0}

    def stop(self, found: list[Problem], title: str = _TITLE) -> typing.NoReturn:
        """Ends the module with all problems at once."""
        told = [problem.as_dict() for problem in found]
        self.module.fail_json(msg=page(found, title), problems=told, requests=self.counts)

    def ask(self, call: typing.Callable[[Wire], Answer]) -> Answer:
        """What the call finds out; ends the module when Google does not answer it."""
        self.wire = self.wire or Wire(open_context(self.module).client)
        try:
            return call(self.wire)
        except Failure as error:
            self.stop([problem_of(error)], _UNASKED)

    def look(
        self,
        read: typing.Callable[[Wire], Live],
        absent: typing.Callable[[dict[str, typing.Any]], list[Problem]],
        optional: tuple[str, ...] = (),
    ) -> Live:
        """What exists; ends the module when the project does not, or when something could not be read.

        Args:
            read: one of the functions of ``reads``.
            absent: the problems with what was read, of which the project's absence is one.
            optional: names of documents without which less is known, which is no reason to stop.
        """
        answers = self.ask(read)
        if answers.documents.get("project") is None and "project" not in answers.failures:
            # What cannot be read in a project that is not there is no news.
            self.stop(absent(answers.documents))
        failures = {
            name: failure
            for name, failure in answers.failures.items()
            if (self.judge and name not in optional) or isinstance(failure, (CredentialsError, UnreachableError))
        }
        if failures:
            self.stop(problems_of(failures), _UNASKED)
        return answers
