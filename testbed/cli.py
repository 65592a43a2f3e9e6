# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
"""The ``testbed`` command: a cloud that fits on a laptop, started, looked at and removed."""
from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from testbed.commands import call, down, env, logs, outside, requests, reset, status, up, watch
from testbed.commands.common import CommandError
from testbed.state import State

COMMANDS = {
    "up": (up, "start it; waits until everything answers"),
    "down": (down, "stop it and leave nothing behind"),
    "status": (status, "what runs, where it answers, what is deployed"),
    "reset": (reset, "back to a freshly seeded Google, without a restart"),
    "env": (env, "shell exports for kubectl and gcloud"),
    "logs": (logs, "of the daemon, the resolver, Apigee and the nodes"),
    "call": (call, "send a request through Apigee and show each hop"),
    "outside": (outside, "call a load balancer from the internet, from a chosen address"),
    "watch": (watch, "call through Apigee all the time; show every call that fails"),
    "requests": (requests, "Google calls received: reads, writes, by method"),
}

EPILOG = """\
examples:
  testbed up
  eval "$(testbed env)"; kubectl get pods -A; gcloud container clusters list
  testbed call https://api.acme.example/orders/42
  testbed requests --clear; ansible-playbook site.yml; testbed requests
  testbed down

Its folder is TESTBED_HOME (default ~/.local/state/apigee-gke-testbed). Every folder is a testbed of its own, and
several can be up at once. What is built once is kept in TESTBED_CACHE.
"""


def parser() -> argparse.ArgumentParser:
    """The command line."""
    top = argparse.ArgumentParser(
        prog="testbed", epilog=EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter,
        description="A real one-node Kubernetes, and Google's APIs emulated with their consequences.")
    words = top.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, (module, summary) in COMMANDS.items():
        word = words.add_parser(name, help=summary, description=module.__doc__.strip().splitlines()[0])
        module.add(word)
        word.set_defaults(run=module.run)
    return top


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; exit status 0, 1 (cannot), 2 (wrong usage), 22 (call answered 4xx or 5xx), 141 (unread)."""
    try:
        try:
            options = parser().parse_args(argv)
            return options.run(State.from_environment(), options)
        finally:
            # What is still buffered meets a reader that has gone here, not when the interpreter ends.
            sys.stdout.flush()
    except CommandError as error:
        print(f" {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # `testbed ... | head` has seen enough. The interpreter flushes again at its end: give it somewhere to.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141


if __name__ == "__main__":
    sys.exit(main())
