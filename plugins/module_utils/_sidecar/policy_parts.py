# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: BSD-2-Clause
"""What is added to a pod, as CEL: the core makes it for stand-ins, in every variant. Private to the collection.

Everything is one JSON patch: ``ApplyConfiguration`` may not set lists that are replaced as a whole, which the command
of a container is.
"""

from __future__ import annotations

import dataclasses
import itertools
import typing as t

from . import microgateway, probes
from . import pod as parts
from .additions import DEFAULT_GRACE_SECONDS, STATUS_ANNOTATION
from .cel import StandIn, Writer, among, listed, literal
from .engines.contract import CLIENT_MODES, SELECTORS, VALUES, Choice, Engine
from .engines.registry import ENGINES
from .fields import FIRST_UNPRIVILEGED_PORT
from .policy_terms import ADMINISTRATION, ENDS_TLS, HAS_GATEWAY, RESOURCES, variable
from .settings import Defaults, Settings

PORT, APPLICATION_PORT, WINDOW, METRICS_PORT, GRACE, GATEWAY_PORT, PROCESSES = range(54321, 54328)
"""Stand for the numbers of a pod."""

GIVEN = (
    "service", "certificate-secret", "issuer-name", "issuer-kind", "issuer-group", "client-ca-secret",
    "client-ca-config-map", "image", *RESOURCES,
)  # fmt: skip
"""Fields of TLS whose text is put into the pod as it is."""

OF_GATEWAY = ("gateway", "gateway-image", "gateway-trust", *(f"gateway-{name}" for name in RESOURCES))
"""The same of the gateway."""

BY_POD = {
    "service": variable("service"),
    "port": "string(variables.port_number)",
    "application-port": "string(variables.upstream_port_number)",
    "drain-seconds": "string(variables.window)",
    "metrics-port": variable("metrics-port"),
    "administration-port": f"string({ADMINISTRATION})",
}
"""Values of the engine contract that differ by pod, besides ``client-names``. All others are constant."""

AXES = {
    "engine": variable("engine"),
    "protocol": variable("protocol"),
    "client": "variables.client",
    "authority": "variables.authority",
    "source": variable("certificate-source"),
    "waiting": "variables.waiting",
    "metrics": "variables.metrics",
    "sidecars": "variables.sidecars",
    "trusted": "variables.trusted",
}
YES, NO = "yes", "no"


def mark(name: str) -> str:
    """Stands for a text."""
    return f"<<{name}>>"


@dataclasses.dataclass
class Texts:
    """Variables with the texts of an engine, filled as far as a pod is not needed to fill them."""

    engine: Engine
    constants: t.Mapping[str, str]
    found: dict[str, str] = dataclasses.field(default_factory=dict)

    def stand_in(self, text: str) -> str:
        """What stands for the text in the container: itself, where nothing is to be filled."""
        if "@{" not in text:
            return text
        written = self.expression(text)
        for name, known in self.found.items():
            if known == written:
                return mark(name)
        name = f"{self.engine.name}_{len(self.found)}"
        self.found[name] = written
        return mark(name)

    def expression(self, text: str) -> str:
        """The text with its placeholders replaced as ``Engine.render`` does it: choices in order, then values."""
        pending = [self._bake(text)]
        expression = literal(pending[0])
        for choice in self.engine.choices:
            hole = "@{" + choice.name + "}"
            if any(hole in known for known in pending):
                baked = {value: self._bake(known) for value, known in choice.texts.items()}
                pending += baked.values()
                expression += f".replace({literal(hole)}, {_chosen(choice, baked)})"
        names = f"{variable('client-names')}.replace(',', {literal(self.engine.name_separator)})"
        for value, filled in {**BY_POD, "client-names": names}.items():
            if any("@{" + value + "}" in known for known in pending):
                expression += f".replace({literal('@{' + value + '}')}, {filled})"
        return expression

    def _bake(self, text: str) -> str:
        for name, value in self.constants.items():
            text = text.replace("@{" + name + "}", value)
        return text

    def said(self, protocol: str, client: str) -> parts.Texts:
        """What stands for the engine's words."""
        probe = self.engine.probes[protocol, client]
        return parts.Texts(
            tuple(map(self.stand_in, self.engine.command)),
            tuple((name, self.stand_in(self.engine.environment[name])) for name in sorted(self.engine.environment)),
            tuple(map(self.stand_in, self.engine.drain)),
            dataclasses.replace(
                probe, path=self.stand_in(probe.path), command=tuple(map(self.stand_in, probe.command))
            ),
        )


def _chosen(choice: Choice, texts: t.Mapping[str, str]) -> str:
    """One of the texts of a choice, equal ones written once."""
    by_text: dict[str, list[str]] = {}
    for value in SELECTORS[choice.by]:
        by_text.setdefault(texts[value], []).append(value)
    *others, (last, _values) = by_text.items()
    axis = AXES.get(choice.by) or variable(choice.by)
    return "(" + "".join(f"{among(axis, values)} ? {literal(text)} : " for text, values in others) + literal(last) + ")"


def constants(settings: Settings) -> dict[str, str]:
    """Values of the engine contract that are the same for every pod."""
    values = settings.values(APPLICATION_PORT, WINDOW)
    return {name: values[name] for name in VALUES if name not in BY_POD and name != "client-names"}


def _settings(defaults: Defaults, variant: t.Mapping[str, str]) -> Settings:
    """Settings of a pod of stand-ins. Defaults of values are in the variables already."""
    given = {name: mark(name) for name in GIVEN}
    given.update({"port": str(PORT), "dns-domains": mark("dns-domains")})
    given.update({"engine": variant["engine"], "certificate-source": variant.get("source", "secret")})
    if variant.get("metrics") == "on":
        given["metrics-port"] = str(METRICS_PORT)
    wanted = {"secret": "client-ca-secret", "config-map": "client-ca-config-map"}
    for authority, name in wanted.items():
        if variant["authority"] != authority:
            del given[name]
    return Settings(given, mark("namespace"), defaults)


def _with_gateway(defaults: Defaults, variant: t.Mapping[str, str]) -> Settings:
    """The same of a pod with a gateway; with TLS or without."""
    given = {name: mark(name) for name in OF_GATEWAY if name != "gateway-trust" or variant.get("trusted") == YES}
    given.update({"gateway-port": str(GATEWAY_PORT), "gateway-processes": str(PROCESSES)})
    if variant.get("sidecars") == "both":
        given.update(_settings(defaults, {**variant, "authority": "none"}).given)
    return Settings(given, mark("namespace"), defaults)


def _variants(names: t.Sequence[str]) -> t.Iterator[dict[str, str]]:
    """Every combination of the settings by which parts differ."""
    values = {
        "engine": tuple(ENGINES),
        "protocol": SELECTORS["protocol"],
        "client": CLIENT_MODES,
        "authority": ("none", "secret", "config-map"),
        "source": ("secret", "csi"),
        "waiting": (YES, NO),
        "metrics": SELECTORS["metrics"],
        "sidecars": ("tls", "gateway", "both"),
        "trusted": (YES, NO),
    }
    for combination in itertools.product(*([(name, value) for value in values[name]] for name in names)):
        yield dict(combination)


def variables(defaults: Defaults) -> dict[str, str]:
    """Variables with the parts, by name."""
    plain = Settings({"service": "orders"}, "shop", defaults)
    texts = {name: Texts(engine, constants(plain)) for name, engine in ENGINES.items()}
    containers = []
    for variant in _variants(("engine", "protocol", "client", "waiting", "metrics")):
        if ENGINES[variant["engine"]].serves(variant["protocol"], variant["client"]):
            settings = _settings(defaults, {**variant, "authority": "none" if variant["client"] == "off" else "secret"})
            said = texts[variant["engine"]].said(variant["protocol"], variant["client"])
            containers.append((variant, parts.sidecar(settings, said, WINDOW if variant["waiting"] == YES else 0, True)))
    volumes, statuses = [], []
    for variant in _variants(("engine", "authority", "source")):
        volumes.append((variant, parts.volumes(_settings(defaults, variant))))
    for variant in _variants(("engine", "sidecars")):
        plain = _settings(defaults, {**variant, "authority": "none"})
        settings = plain if variant["sidecars"] == "tls" else _with_gateway(defaults, variant)
        statuses.append((variant, parts.status(settings, APPLICATION_PORT, WINDOW, GRACE)))
    found = {name: expression for each in texts.values() for name, expression in each.found.items()}
    writer = Writer([*_stand_ins(defaults), *(StandIn(mark(name), "variables." + name) for name in found)], AXES)
    found["sidecar"] = writer.choose(containers)
    found["tls_volumes"] = writer.choose(volumes)
    found.update(_beside(defaults, writer))
    found["added"] = _both("[dyn(variables.beside)]", "[dyn(variables.sidecar)]")
    found["volumes"] = _both("dyn(variables.gateway_volumes)", "dyn(variables.tls_volumes)")
    found["told"] = writer.choose(statuses)
    found["wait"] = writer.value(parts.wait(WINDOW, True))
    found["rewritten"] = f"{ENDS_TLS} && {variable('probes')} == 'rewrite' ? {' + '.join(map(_rewritten, probes.KINDS))} : []"
    return found


def _beside(defaults: Defaults, writer: Writer) -> dict[str, str]:
    """Variables with the gateway's container and its volumes, by name."""
    containers, volumes = [], []
    for variant in _variants(("waiting", "trusted")):
        settings, window = _with_gateway(defaults, variant), WINDOW if variant["waiting"] == YES else 0
        containers.append((variant, parts.beside(settings, APPLICATION_PORT, window, True)))
        volumes.append((variant, microgateway.volumes(settings.beside(APPLICATION_PORT, window))))
    return {"beside": writer.choose(containers), "gateway_volumes": writer.choose(volumes)}


def _both(of_gateway: str, of_tls: str) -> str:
    """Lists of what belongs to each of the sidecars that are wanted, in the order of ``additions``."""
    return f"({HAS_GATEWAY} ? {of_gateway} : dyn([])) + ({ENDS_TLS} ? {of_tls} : dyn([]))"


def _stand_ins(defaults: Defaults) -> list[StandIn]:
    found = [StandIn(mark(name), variable(name)) for name in (*GIVEN, *OF_GATEWAY)]
    found += [StandIn(GATEWAY_PORT, "variables.gateway_port_number"), StandIn(PROCESSES, "variables.processes_number")]
    found += [StandIn(mark("namespace"), "request.namespace"), StandIn(PORT, "variables.port_number")]
    found += [StandIn(APPLICATION_PORT, "variables.application_port_number"), StandIn(GRACE, "variables.grace")]
    found += [StandIn(WINDOW, "variables.window"), StandIn(METRICS_PORT, "variables.metrics_port_number")]
    variant = {"engine": next(iter(ENGINES)), "authority": "none", "source": "csi"}
    names = parts.certificate(_settings(defaults, variant))["csi"]["volumeAttributes"][parts.CSI_DRIVER + "/dns-names"]
    each = Writer([*found, StandIn(mark("dns-domains"), "domain")], {}).text(names)
    every = f"{variable('dns-domains')}.split(',').map(domain, {each}).join(',')"
    return [StandIn(names, every), *found]


def operation(path: str, value: str) -> str:
    """One operation of the patch."""
    return f"JSONPatch{{op: 'add', path: {path}, value: {value}}}"


def patch(defaults: Defaults) -> str:
    """The expression of the patch: nothing for pods that are refused, the waits alone for those that have the sidecar."""
    # Each is put before those that are there, so the one that shall be first comes last.
    before = operation("'/spec/initContainers/0'", "container")
    sidecar = (
        f"(variables.init_containers.size() > 0 ? lists.range(variables.added.size()).map(place, "
        f"variables.added[variables.added.size() - 1 - place]).map(container, {before}) : "
        f"[{operation(literal('/spec/initContainers'), 'variables.added')}])"
    )
    mounted = operation("'/spec/volumes/-'", "volume")
    volumes = (
        f"(object.spec.?volumes.orValue([]).size() > 0 ? variables.volumes.map(volume, {mounted}) : "
        f"[{operation(literal('/spec/volumes'), 'variables.volumes')}])"
    )
    rule = f"{{'name': {literal(parts.UNPRIVILEGED_PORTS)}, 'value': string(variables.port_number)}}"
    context = f"(has(object.spec.securityContext) ? [] : [{operation(literal('/spec/securityContext'), '{}')}])"
    sysctl = operation(
        "variables.sysctls.size() > 0 ? '/spec/securityContext/sysctls/-' : '/spec/securityContext/sysctls'",
        f"variables.sysctls.size() > 0 ? dyn({rule}) : dyn([{rule}])",
    )
    low = f"{ENDS_TLS} && variables.port_number < {FIRST_UNPRIVILEGED_PORT} && variables.sysctl == ''"
    path = "/metadata/annotations/" + STATUS_ANNOTATION.replace("~", "~0").replace("/", "~1")
    told = operation(literal(path), "variables.told")
    called = operation("place + 'port'", "variables.port_number")
    encrypted = operation("place + 'scheme'", literal(probes.ENCRYPTED))
    asked = f"variables.rewritten.map(place, {called}) + variables.rewritten.map(place, {encrypted})"
    added = f"{sidecar} + {volumes} + ({low} ? {context} + [{sysctl}] : []) + {asked} + [{told}]"
    return f"variables.problems.size() > 0 ? [] : (variables.injected ? [] : {added}) + {_waits()} + {_grace(defaults)}"


def _rewritten(kind: str) -> str:
    """Where the actions of the probes are that ``probes.rewritable`` finds, with a slash behind."""
    action, port = f"item.{kind}.httpGet", "variables.application_port_number"
    named = f"item.?ports.orValue([]).exists(port, dyn(port.?name.orValue('')) == dyn({action}.port) && port.containerPort == {port})"
    plain = f"{action}.?host.orValue('') == '' && {action}.?scheme.orValue('') in ['', {literal(probes.CLEAR)}]"
    wanted = f"has(item.{kind}) && has({action}) && {plain} && (dyn({action}.port) == dyn({port}) || {named})"
    place = f"'/spec/containers/' + string(place) + '/{kind}/httpGet/'"
    return f"variables.containers.transformList(place, item, {wanted}, {place})"


def _waits() -> str:
    hooked = "has(item.lifecycle) && has(item.lifecycle.preStop) && (" + " || ".join(
        f"has(item.lifecycle.preStop.{kind})" for kind in ("exec", "httpGet", "sleep", "tcpSocket")) + ")"
    place = "'/spec/containers/' + string(place) + (has(item.lifecycle) ? '/lifecycle/preStop' : '/lifecycle')"
    value = "has(item.lifecycle) ? dyn(variables.wait) : dyn({'preStop': variables.wait})"
    lacking = f"variables.window > 0 && !(item.name in {listed(parts.SIDECARS)}) && !({hooked})"
    return f"variables.containers.transformList(place, item, {lacking}, {operation(place, value)})"


def _grace(defaults: Defaults) -> str:
    """``drain.grace`` and ``drain.least_grace``, where the grace period is too short."""
    finish = defaults.timing.finish
    kept = f"(variables.injected || variables.grace < {finish} ? {finish} : variables.grace)"
    wanted = f"({kept} + variables.window)"
    raised = operation(literal("/spec/terminationGracePeriodSeconds"), wanted)
    return f"(variables.window > 0 && {wanted} > variables.grace ? [{raised}] : [])"


def grace() -> dict[str, str]:
    """The variable with the grace period that the pod has."""
    return {"grace": f"object.spec.?terminationGracePeriodSeconds.orValue({DEFAULT_GRACE_SECONDS})"}
