# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: BSD-2-Clause
"""What is wanted for one pod: its annotations over the defaults of its namespace and the cluster. Private."""

from __future__ import annotations

import dataclasses
import difflib
import functools
import re
import typing as t

from . import microgateway
from .contradictions import contradictions
from .drain import Timing
from .engines import contract
from .engines.registry import ENGINES
from .fields import BY_NAME, OPT_INS, PREFIX, STATUS

SYSTEM_NAMESPACES = (
    "cert-manager",
    "gke-connect",
    "gke-gmp-system",
    "gke-mcs",
    "gmp-public",
    "gmp-system",
    "kube-node-lease",
    "kube-public",
    "kube-system",
    "tls-sidecar",
)
"""Namespaces whose pods are never touched: the cluster's own, and those that the sidecar itself depends on."""

SYSTEM_PREFIX = "gke-managed-"
"""Beginning of the names of namespaces that GKE makes for its own workloads."""

APPLICATION_ADDRESS = "127.0.0.1"
APPLICATION_IDLE_SECONDS = 4
"""Idle connections to the application are dropped before any common server (5 s in Node.js and Apache) drops them."""


class DefaultsError(ValueError):
    """The defaults are wrong; the text says which and what to do."""


@dataclasses.dataclass(frozen=True)
class Defaults:
    """What holds where a pod says nothing. ``values`` and each of ``namespaces`` go by field name."""

    values: t.Mapping[str, str] = dataclasses.field(default_factory=dict)
    namespaces: t.Mapping[str, t.Mapping[str, str]] = dataclasses.field(default_factory=dict)
    images: t.Mapping[str, str] = dataclasses.field(default_factory=dict)
    """Image by engine, and that of the gateway by the name of its container."""

    image_prefixes: tuple[str, ...] = ()
    """What images must begin with; anything goes when empty."""

    excluded_namespaces: tuple[str, ...] = ()
    """Namespaces never touched, besides the system's."""

    kubernetes: tuple[int, int] = (1, 36)
    """Major and minor version of the cluster."""

    timing: Timing = dataclasses.field(default_factory=Timing)

    @property
    def native_sidecars(self) -> bool:
        """Whether init containers with restartPolicy Always can be relied on."""
        return self.kubernetes >= (1, 29)

    @property
    def sleep_action(self) -> bool:
        """Whether preStop knows the sleep action."""
        return self.kubernetes >= (1, 30)

    @property
    def match_conditions(self) -> bool:
        """Whether the API server looks at annotations before it asks a webhook, and has policies that validate."""
        return self.kubernetes >= (1, 30)

    def excludes(self, namespace: str) -> bool:
        """Whether pods of this namespace are never touched."""
        return namespace in SYSTEM_NAMESPACES + self.excluded_namespaces or namespace.startswith(SYSTEM_PREFIX)

    @functools.cached_property
    def known(self) -> t.Callable[[tuple[tuple[str, str], ...], str], tuple[Settings, list[str]]]:
        """What was made of annotations and a namespace, kept: the replicas of a workload share it."""

        @functools.lru_cache(maxsize=128)
        def settings(wishes: tuple[tuple[str, str], ...], namespace: str) -> tuple[Settings, list[str]]:
            return _parse(wishes, namespace, self)

        return settings

    @classmethod
    def read(cls, data: t.Mapping[str, t.Any]) -> Defaults:
        """Take them from their JSON form. Raises DefaultsError naming everything that is wrong."""
        problems = []
        if not isinstance(data, dict):
            raise DefaultsError(f"defaults are a {type(data).__name__}, but must be a mapping")
        known = ("values", "namespaces", "images", "image_prefixes", "excluded_namespaces", "kubernetes_version", "timing")
        problems += [f"{key} is not known; known are {', '.join(known)}" for key in data if key not in known]
        values, found = _texts(data.get("values"), "values")
        problems += found
        namespaces = {}
        for namespace, given in _mapping(data.get("namespaces"), "namespaces", problems).items():
            namespaces[namespace], found = _texts(given, f"namespaces.{namespace}")
            problems += found
        images = _mapping(data.get("images"), "images", problems)
        for name, image in images.items():
            if name not in (*ENGINES, microgateway.NAME):
                problems.append(f"images.{name} is not an engine; engines are {', '.join(ENGINES)} and {microgateway.NAME}")
            elif not isinstance(image, str) or not BY_NAME["image"].admits(image):
                problems.append(f"images.{name} is {image!r}, but must be {BY_NAME['image'].wanted}")
        version = str(data.get("kubernetes_version") or "1.36")
        parts = re.match(r"v?(\d+)\.(\d+)", version)
        if not parts:
            problems.append(f'kubernetes_version is "{version}", but must be written as 1.36')
        timing = _mapping(data.get("timing"), "timing", problems)
        inputs = [field.name for field in dataclasses.fields(Timing)]
        for name, seconds in timing.items():
            if name not in inputs:
                problems.append(f"timing.{name} is not known; known are {', '.join(inputs)}")
            elif isinstance(seconds, bool) or not isinstance(seconds, int) or not 0 <= seconds <= 3600:
                problems.append(f"timing.{name} is {seconds!r}, but must be seconds from 0 to 3600")
        lists = {}
        for key in ("image_prefixes", "excluded_namespaces"):
            lists[key] = data.get(key) or []
            if not isinstance(lists[key], (list, tuple)) or not all(isinstance(item, str) for item in lists[key]):
                problems.append(f"{key} must be a list of texts")
        if problems:
            raise DefaultsError("; ".join(problems))
        return cls(
            values,
            namespaces,
            images,
            tuple(lists["image_prefixes"]),
            tuple(lists["excluded_namespaces"]),
            (int(parts.group(1)), int(parts.group(2))),
            Timing(**timing),
        )


def _mapping(given: t.Any, place: str, problems: list[str]) -> dict[str, t.Any]:
    """The mapping, empty with a problem noted when it is something else."""
    if given is None or isinstance(given, dict):
        return given or {}
    problems.append(f"{place} is a {type(given).__name__}, but must be a mapping")
    return {}


def _texts(given: t.Any, place: str) -> tuple[dict[str, str], list[str]]:
    """Values by field name as annotations would give them, and what is wrong with them."""
    problems: list[str] = []
    texts = {}
    for name, value in _mapping(given, place, problems).items():
        text = str(value).lower() if isinstance(value, bool) else str(value)
        if name not in BY_NAME or name in OPT_INS:
            known = ", ".join(each for each in BY_NAME if each not in OPT_INS)
            problems.append(f"{place}.{name} is not a setting; settings are {known}")
        elif not BY_NAME[name].admits(text):
            problems.append(f'{place}.{name} is "{text[:80]}", but must be {BY_NAME[name].wanted}')
        else:
            texts[name] = text
    return texts, problems


@dataclasses.dataclass(frozen=True)
class Settings:
    """What is wanted for one pod. ``given`` holds what annotations and defaults say, by field name. Pods share it, so that
    what is asked of it for each is worked out once."""

    given: t.Mapping[str, str]
    namespace: str
    defaults: Defaults

    def __hash__(self) -> int:
        return self._hash

    @functools.cached_property
    def _hash(self) -> int:
        return hash((self.namespace, tuple(sorted(self.given.items()))))

    def text(self, name: str) -> str:
        """The value of a field, its own default when nothing says otherwise, or nothing."""
        return self.given.get(name) or BY_NAME[name].default

    @functools.cached_property
    def gateway(self) -> str:
        """Name of the gateway that stands beside the application; nothing where none does."""
        return self.text("gateway")

    @functools.cached_property
    def tls(self) -> bool:
        """Whether there is a sidecar that ends TLS."""
        return bool(self.text("service")) or not self.gateway

    @property
    def kinds(self) -> list[str]:
        """What the names of the resources of each sidecar begin with."""
        return [*([""] if self.tls else []), *(["gateway-"] if self.gateway else [])]

    @functools.cached_property
    def asked_by(self) -> str:
        """The annotation that opted in; where both do, the one for TLS."""
        return PREFIX + OPT_INS[0 if self.tls else 1]

    @functools.cached_property
    def gateway_port(self) -> int:
        """The port on which the gateway serves; 0 where there is none."""
        return int(self.text("gateway-port")) if self.gateway else 0

    def beside(self, application_port: int, drain_seconds: int) -> microgateway.Microgateway:
        """What the container of the gateway depends on. Its Secret and its ConfigMap have the gateway's name."""
        return microgateway.Microgateway(
            image=self.gateway_image,
            secret=self.gateway,
            plugins=self.gateway,
            port=self.gateway_port,
            processes=int(self.text("gateway-processes")),
            application_port=application_port,
            drain_seconds=drain_seconds,
            trust=self.text("gateway-trust"),
            cpu=self.resource("gateway-cpu"),
            memory=self.resource("gateway-memory"),
            cpu_limit=self.resource("gateway-cpu-limit"),
            memory_limit=self.resource("gateway-memory-limit"),
        )

    @property
    def gateway_image(self) -> str:
        """The gateway's image."""
        return self.given.get("gateway-image") or self.defaults.images.get(microgateway.NAME) or microgateway.IMAGE

    @functools.cached_property
    def engine(self) -> contract.Engine:
        """The engine."""
        return ENGINES[self.text("engine")]

    @functools.cached_property
    def port(self) -> int:
        """The port on which TLS is served."""
        return int(self.text("port"))

    @functools.cached_property
    def metrics_port(self) -> int:
        """The port on which metrics are shown in clear; 0 for none."""
        return int(self.text("metrics-port") or 0)

    @functools.cached_property
    def administration_port(self) -> int:
        """The port on loopback by which the engine is administered; 0 where it is not."""
        return contract.administration_port(self.port) if self.engine.administered else 0

    @functools.cached_property
    def rewrites_probes(self) -> bool:
        """Whether the application's probes go through the sidecar that ends TLS."""
        return self.tls and self.text("probes") == "rewrite"

    @functools.cached_property
    def client(self) -> str:
        """What is asked of callers: one of ``contract.CLIENT_MODES``."""
        if self.text("client-names"):
            return "names"
        return "ca" if self.text("client-ca-secret") or self.text("client-ca-config-map") else "off"

    @property
    def image(self) -> str:
        """The sidecar's image."""
        return self.given.get("image") or self.defaults.images.get(self.engine.name) or self.engine.image

    @property
    def certificate_secret(self) -> str:
        """Name of the Secret with the certificate."""
        return self.given.get("certificate-secret") or self.text("service") + "-tls"

    @property
    def dns_names(self) -> list[str]:
        """The names of the Service, one in each domain."""
        place = f"{self.text('service')}.{self.namespace}.svc."
        return [place + domain for domain in self.text("dns-domains").split(",")]

    def resource(self, name: str) -> str:
        """One of cpu, memory, cpu-limit and memory-limit, or the same of the gateway."""
        return self.text(name) or getattr(self.engine.resources, name.replace("-", "_"))

    def drain_seconds(self, completes: bool) -> int:
        """The drain window; 0 for a pod that runs to completion, unless it says otherwise."""
        if self.given.get("drain-seconds"):
            return int(self.given["drain-seconds"])
        return 0 if completes else self.defaults.timing.window

    def selected(self) -> dict[str, str]:
        """The value of every selector of the engine contract."""
        worked_out = {"client": self.client, "metrics": "on" if self.metrics_port else "off"}
        return {name: worked_out[name] if name in worked_out else self.text(name) for name in contract.SELECTORS}

    def values(self, application_port: int, drain_seconds: int) -> dict[str, str]:
        """The text of every value of the engine contract."""
        timing = self.defaults.timing
        return {
            "service": self.text("service"),
            "port": str(self.port),
            "application-address": APPLICATION_ADDRESS,
            "application-port": str(application_port),
            "client-names": self.text("client-names").replace(",", self.engine.name_separator),
            "drain-seconds": str(drain_seconds),
            "idle-seconds": str(timing.server_idle),
            "request-seconds": str(timing.finish),
            "application-idle-seconds": str(APPLICATION_IDLE_SECONDS),
            "metrics-port": self.text("metrics-port"),
            "administration-port": str(contract.administration_port(self.port)),
            "certificate-folder": contract.CERTIFICATE_FOLDER,
            "client-ca-folder": contract.CLIENT_CA_FOLDER,
            "work-folder": contract.WORK_FOLDER,
        }


LONGEST_KEPT = 4096
"""Characters of annotations for which what was made of them is kept: a stranger's must not fill the memory."""

MOST_PROBLEMS = 20
"""Of one pod told at once. What more there is shows once these are corrected; looking for it would only cost time."""

LONGEST_NAME = 63
"""Characters of an annotation's name after its prefix. Kubernetes takes no longer ones."""


def parse(annotations: t.Mapping[str, t.Any], namespace: str, defaults: Defaults) -> tuple[Settings, list[str]]:
    """Settings of a pod that opted in, and everything that is wrong with them, each naming annotation and remedy."""
    found = ((str(key), value) for key, value in annotations.items())
    own = [(key, value) for key, value in found if key.startswith(PREFIX) and key != PREFIX + STATUS]
    if all(isinstance(value, str) for _key, value in own) and sum(len(key) + len(value) for key, value in own) < LONGEST_KEPT:
        return defaults.known(tuple(own), namespace)
    return _parse(own, namespace, defaults)


def _parse(
    wishes: t.Iterable[tuple[str, t.Any]], namespace: str, defaults: Defaults
) -> tuple[Settings, list[str]]:
    problems = []
    said = []
    given = {**defaults.values, **defaults.namespaces.get(namespace, {})}
    for key, value in wishes:
        name = key[len(PREFIX) :]
        if len(problems) > MOST_PROBLEMS:
            break
        if len(name) > LONGEST_NAME:
            problems.append(f"{key[: len(PREFIX) + LONGEST_NAME]}... is not known: it is longer than any.")
        elif name not in BY_NAME:
            near = difflib.get_close_matches(name, BY_NAME, 1)
            hint = f"Did you mean {PREFIX}{near[0]}?" if near else "Known are " + ", ".join(BY_NAME) + "."
            problems.append(f"{key} is not known. {hint}")
        elif not isinstance(value, str) or not BY_NAME[name].admits(value):
            problems.append(BY_NAME[name].problem(str(value)))
        else:
            given[name] = value
            said.append(name)
    settings = Settings(given, namespace, defaults)
    return settings, problems or contradictions(settings, said)
