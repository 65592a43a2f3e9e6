# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: BSD-2-Clause
"""What the webhook counts, as Prometheus reads it (text format 0.0.4). Private to the collection."""

from __future__ import annotations

import bisect
import threading
import typing as t

from ..fields import PREFIX
from ..review import Answer

SECONDS = (0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0)
"""Upper bounds of the histogram. An admission takes a fraction of a millisecond."""

NAME = "tls_sidecar_webhook"
_SKIPS = (
    ("namespace ", "namespace"),
    (PREFIX, "not_annotated"),
    ("it is the mirror", "mirror"),
)


def reason(answer: Answer) -> str:
    """Why a pod was refused or skipped, as one of few words: for a refusal the annotation that it names first."""
    outcome = answer.outcome
    if outcome is None:
        return answer.verdict
    if outcome.skipped is not None:
        return next((word for begin, word in _SKIPS if outcome.skipped.startswith(begin)), "other")
    text = outcome.refusal or ""
    found = text.find(PREFIX)
    name = text[found + len(PREFIX) :] if found >= 0 else ""
    size = next((at for at, letter in enumerate(name) if not (letter.isalnum() or letter == "-")), len(name))
    return name[:size] or "other"


class Metrics:
    """Counters and one histogram. For several threads at once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counters: dict[tuple[str, str, str], int] = {}
        self._buckets = [0] * (len(SECONDS) + 1)
        self._sum = 0.0
        self._gauges: list[tuple[str, str, str, t.Callable[[], float]]] = []

    def gauge(self, name: str, text: str, value: t.Callable[[], float], kind: str = "gauge") -> None:
        """Add a value that is asked for whenever somebody reads."""
        self._gauges.append((name, text, kind, value))

    def answered(self, answer: Answer, seconds: float) -> None:
        """Count an admission."""
        with self._lock:
            self._count("requests_total", "verdict", answer.verdict)
            if answer.verdict in ("refused", "skipped"):
                word = "refusals_total" if answer.verdict == "refused" else "skips_total"
                self._count(word, "reason", reason(answer))
            self._buckets[bisect.bisect_left(SECONDS, seconds)] += 1
            self._sum += seconds

    def responded(self, code: int) -> None:
        """Count an HTTP answer."""
        with self._lock:
            self._count("http_responses_total", "code", str(code))

    def _count(self, name: str, label: str, value: str) -> None:
        key = (name, label, value)
        self._counters[key] = self._counters.get(key, 0) + 1

    def text(self) -> str:
        """All of it."""
        with self._lock:
            counters, buckets, total = dict(self._counters), list(self._buckets), self._sum
        lines = []
        texts = {
            "requests_total": "Admissions by verdict.",
            "refusals_total": "Refused pods by the annotation that has to be corrected.",
            "skips_total": "Skipped pods by reason.",
            "http_responses_total": "HTTP answers by status.",
        }
        for name, text in texts.items():
            lines += _head(name, text, "counter")
            for (counter, label, value), number in sorted(counters.items()):
                if counter == name:
                    lines.append(f'{NAME}_{name}{{{label}="{value}"}} {number}')
        lines += _head("duration_seconds", "Time spent on an admission, without reading and writing.", "histogram")
        number = 0
        for at, bound in enumerate([*map(repr, SECONDS), "+Inf"]):
            number += buckets[at]
            lines.append(f'{NAME}_duration_seconds_bucket{{le="{bound}"}} {number}')
        lines += [f"{NAME}_duration_seconds_sum {total!r}", f"{NAME}_duration_seconds_count {number}"]
        for name, text, kind, value in self._gauges:
            lines += [*_head(name, text, kind), f"{NAME}_{name} {value()!r}"]
        return "\n".join(lines) + "\n"


def _head(name: str, text: str, kind: str) -> list[str]:
    return [f"# HELP {NAME}_{name} {text}", f"# TYPE {NAME}_{name} {kind}"]
