# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
"""testbed status: what runs, where it answers, what is deployed."""
from __future__ import annotations

import argparse
import json

from testbed import leftovers
from testbed.commands import common
from testbed.state import State


def add(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="for programs")


def run(state: State, options: argparse.Namespace) -> int:
    if not common.is_up(state):
        # Alive without connection.json: on its way up or down.
        word = "down" if leftovers.daemon(state) is None else "starting or stopping"
        print(json.dumps({"up": False, "home": str(state.home)}) if options.json
              else f" The testbed is {word} ({state.home}).")
        return 1
    if options.json:
        print(json.dumps({"up": True, "home": str(state.home), **common.control(state, "GET", "/status")}, indent=2))
    else:
        show(state)
    return 0


def show(state: State) -> None:
    """Print the table."""
    facts = common.control(state, "GET", "/status")
    print(f"   Google     {facts['emulator']}")
    print(f"   Apigee     {facts['northbound']}   (CA {state.connection()['northbound']['ca_cert']})")
    for cluster in facts["clusters"]:
        named = f", names below {cluster['domain']}" if cluster["domain"] else ""
        print(f"   cluster    {cluster['name']} in {cluster['location']}: {cluster['server']}, "
              f"node {cluster['node_ip']}, pods {cluster['pod_range']}{named}")
    for instance in facts["instances"]:
        print(f"   instance   {instance['name']} of {instance['organization']} in {instance['location']}: "
              f"{instance['host']}, range {instance['ip_range']}, from here {instance['northbound']}")
    for each in facts["deployments"]:
        print(f"   deployed   {each['proxy']} revision {each['revision']} in {each['environment']} "
              f"of {each['organization']}")
    print(f"   state      {state.home}")
