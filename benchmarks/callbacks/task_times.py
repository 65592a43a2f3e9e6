# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ansible callback that notes when each task begins and ends. Used by the benchmarks only."""

from __future__ import annotations

import json
import os
import time

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
    name: task_times
    type: aggregate
    short_description: Note when each task begins and ends
    description: Writes one JSON document to the file named by the environment variable TASK_TIMES.
    requirements: [enabled by ANSIBLE_CALLBACKS_ENABLED]
"""


class CallbackModule(CallbackBase):
    """Collects times in memory and writes them once, so that measuring costs next to nothing."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "task_times"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self):
        super().__init__()
        self._times = {"loaded": time.time(), "tasks": []}

    def v2_playbook_on_start(self, playbook):
        self._times["playbook"] = time.time()

    def v2_playbook_on_task_start(self, task, is_conditional):
        self._times["tasks"].append({"name": task.get_name(), "action": task.action, "at": time.time()})

    def v2_playbook_on_stats(self, stats):
        self._times["ended"] = time.time()
        with open(os.environ["TASK_TIMES"], "w", encoding="utf-8") as file:
            json.dump(self._times, file)
