# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The admission webhook: ``python -m _sidecar.server``, on nothing but a Python image. Private to the collection.

It ends with status 0 after SIGTERM: it goes on answering while endpoints learn that it leaves, with
``Connection: close``, then stops. It ends with 1, and says why, when its defaults cannot be used.
"""

from __future__ import annotations

import argparse
import gc
import json
import logging
import os
import signal
import threading
import typing as t

from .review import API_VERSION, KIND, Answer, answer
from .serving.certificate import Certificate
from .serving.connection import USUAL, Limits
from .serving.listener import Listener
from .serving.metrics import Metrics
from .settings import Defaults

_log = logging.getLogger("tls-sidecar")

PORT, METRICS_PORT = 10250, 9402
GARBAGE = 100_000
"""Objects that may come up before circles among them are looked for."""


class Webhook:
    """Both ports, the certificate and what is decided."""

    def __init__(
        self,
        defaults: Defaults,
        folder: str,
        address: tuple[str, int] = ("0.0.0.0", PORT),
        metrics_address: tuple[str, int] = ("0.0.0.0", METRICS_PORT),
        limits: Limits = USUAL,
        interval: float = 5.0,
    ) -> None:
        self._defaults = defaults
        self._interval = interval
        self._stopped = threading.Event()
        self.certificate = Certificate(folder)
        self.metrics = Metrics()
        self.port = Listener(address, self.metrics, self.certificate, self.decide, limits)
        # Heads without a body: little is to be kept.
        small = limits._replace(held=limits.held // 8, connections=max(1, limits.connections // 4))
        self.metrics_port = Listener(metrics_address, self.metrics, self.certificate, limits=small)
        for name, text, value, kind in (
            ("certificate_expiry_timestamp_seconds", "When the serving certificate expires.", self._expiry, "gauge"),
            ("certificate_loads_total", "Certificates taken into use.", lambda: self.certificate.loaded, "counter"),
            ("certificate_failures_total", "Looks at a pair that could not be used.", self._failures, "counter"),
            ("connections", "Open connections of the API server.", lambda: self.port.connections, "gauge"),
            ("evictions_total", "Connections ended to make room for others.", lambda: self.port.evicted, "counter"),
        ):
            self.metrics.gauge(name, text, value, kind)

    def _expiry(self) -> float:
        return self.certificate.expires

    def _failures(self) -> float:
        return self.certificate.failed

    def decide(self, review: t.Any) -> Answer:
        """The answer to a review. A fault of ours is a refusal that says so: no pod starts bare because of it."""
        try:
            decided = answer(review, self._defaults)
        except Exception:
            _log.exception("a review could not be answered")
            text = "tls-sidecar: an internal fault; the log of the webhook tells more."
            request = review.get("request") if isinstance(review, dict) else None
            uid = request.get("uid") if isinstance(request, dict) else ""
            response = {"uid": uid, "allowed": False, "status": {"code": 422, "reason": "Invalid", "message": text}}
            return Answer({"apiVersion": API_VERSION, "kind": KIND, "response": response}, "fault")
        if decided.verdict == "refused" and decided.outcome is not None:
            request = review["request"]
            place = f"{request.get('namespace')}/{request.get('name') or 'a pod'}"
            _log.warning("refused %.200r: %.600r", place, decided.outcome.refusal)
        return decided

    def start(self) -> None:
        """Begin to answer. Without a usable certificate the port waits for one, and is not ready."""
        self.certificate.refresh()
        for target, name in ((self.port.serve_forever, "port"), (self.metrics_port.serve_forever, "metrics")):
            threading.Thread(target=target, name=name, daemon=True).start()
        threading.Thread(
            target=self.certificate.follow, args=(self._interval, self._stopped), name="certificate", daemon=True
        ).start()

    def stop(self, seconds: float, grace: float) -> None:
        """Drain, and return when nothing is under way."""
        self.port.drain(seconds, grace)
        self.metrics_port.drain(0, 0)
        self._stopped.set()


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="tls-sidecar-webhook")
    parser.add_argument("--certificate", required=True, metavar="FOLDER", help="with tls.crt and tls.key")
    parser.add_argument("--defaults", metavar="FILE", help="JSON; what holds where a pod says nothing")
    parser.add_argument("--host", default="0.0.0.0")
    parser.add_argument("--port", type=int, default=PORT)
    parser.add_argument("--metrics-port", type=int, default=METRICS_PORT)
    parser.add_argument("--poll", type=float, default=5.0, metavar="SECONDS", help="between looks at the certificate")
    parser.add_argument("--drain", type=float, default=10.0, metavar="SECONDS", help="of answering after SIGTERM")
    parser.add_argument("--grace", type=float, default=5.0, metavar="SECONDS", help="for what runs after that")
    parser.add_argument("--connections", type=int, default=USUAL.connections, help="open at once")
    parser.add_argument("--log-level", default="INFO")
    return parser


def main(arguments: t.Sequence[str] | None = None) -> int:
    """Serve until SIGTERM or SIGINT; the exit status."""
    chosen = _arguments().parse_args(arguments)
    logging.basicConfig(level=chosen.log_level, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    try:
        defaults = _defaults(chosen.defaults)
    except (OSError, ValueError) as error:
        _log.error("the defaults in %s cannot be used: %s", chosen.defaults, error)
        return 1
    ended = threading.Event()
    for each in (signal.SIGTERM, signal.SIGINT):
        signal.signal(each, lambda *_: ended.set())
    webhook = Webhook(
        defaults,
        chosen.certificate,
        (chosen.host, chosen.port),
        (chosen.host, chosen.metrics_port),
        Limits(connections=chosen.connections),
        chosen.poll,
    )
    # What an admission makes is gone when it is answered, with nothing in circles: looking for those is a tenth of its cost.
    gc.collect()
    gc.freeze()
    gc.set_threshold(GARBAGE)
    webhook.start()
    _log.info("answering on port %d", chosen.port)
    ended.wait()
    _log.info("leaving: answering for %s s more", chosen.drain)
    webhook.stop(chosen.drain, chosen.grace)
    return 0


def _defaults(path: str | None) -> Defaults:
    """Raises OSError, ValueError or DefaultsError, which is a ValueError."""
    if not path:
        return Defaults()
    with open(path, encoding="utf-8") as stream:
        return Defaults.read(json.load(stream))


if __name__ == "__main__":
    # Connections that wait in threads must not keep the process.
    os._exit(main())
