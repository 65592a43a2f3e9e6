# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
"""testbed outside: a request from the testbed's internet to an external address, from whatever source address."""
from __future__ import annotations

import argparse
import json
import urllib.parse

from testbed.commands import common
from testbed.commands.common import CommandError
from testbed.state import State


def add(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("url", metavar="URL", help="http[s]://ADDRESS/PATH; the testbed's internet has no names")
    parser.add_argument("--from", dest="source", required=True, metavar="ADDRESS",
                        help="of the caller: in 192.0.2.0/25, or in 2001:db8::/32 for an IPv6 address")
    parser.add_argument("--host", default="", metavar="NAME", help="host name that is asked for, also in TLS")
    parser.add_argument("-X", "--request", metavar="METHOD", default="GET")
    parser.add_argument("-H", "--header", action="append", default=[], metavar="'NAME: VALUE'")
    parser.add_argument("--ca", metavar="FILE", help="whom to trust; without it no certificate is looked at")
    parser.add_argument("--json", action="store_true", help="the answer for programs")


def run(state: State, options: argparse.Namespace) -> int:
    common.require_up(state)
    headers = dict(_header(line) for line in options.header)
    asked = {"url": options.url, "source": options.source, "host": options.host, "method": options.request,
             "headers": headers, "ca": options.ca}
    answer = common.control(state, "GET", "/outside?" + urllib.parse.urlencode({"call": json.dumps(asked)}))
    if "error" in answer:
        raise CommandError(f"{options.url} from {options.source}: {answer['error']}")
    print(json.dumps(answer, indent=2) if options.json else f" {answer['status']}\n{answer['body']}")
    return 0 if answer["status"] < 400 else 22


def _header(line: str) -> tuple[str, str]:
    name, colon, value = line.partition(":")
    if not colon:
        raise CommandError(f"-H '{line}' has no colon; write -H 'NAME: VALUE'.")
    return name.strip(), value.strip()
