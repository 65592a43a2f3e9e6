# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The refusals as CEL: conditions written here, texts taken from the core by showing it a pod with that one fault.

Each variable is a list of texts, each naming annotation and remedy; empty when nothing is wrong. Private to the
collection.
"""

from __future__ import annotations

import itertools
import typing as t

from . import conflicts
from .cel import StandIn, Writer, listed, literal
from .contradictions import contradictions
from .engines import contract
from .engines.contract import CLIENT_MODES, PROTOCOLS
from .engines.registry import ENGINES
from .fields import BY_NAME, FIELDS, LONGEST, OF_ONE, PREFIX, SHOWN, STATUS, Field
from .microgateway import NAME as GATEWAY
from .pod import SIDECAR, UNPRIVILEGED_PORTS
from .policy_terms import ENDS_TLS, HAS_GATEWAY, variable
from .settings import Defaults, Settings

VALUE = "<<value>>"
APPLICATION = {"name": "app", "ports": [{"containerPort": 1}]}


def variables(defaults: Defaults) -> dict[str, str]:
    """The variables by name, ``problems`` last: all that is to be told."""
    return {
        "unknown_annotations": _unknown(),
        "wrong_values": _joined(_wrong_value(field) for field in FIELDS),
        "contradictions": _joined([
            *_alone(),
            *_where(ENDS_TLS, _contradictions(defaults)),
            *_where(HAS_GATEWAY, _gateway_contradictions(defaults)),
        ]),
        "conflicts": _joined([
            *_conflicts(defaults),
            *_where("!variables.added_without", _name_conflicts(defaults)),
            *_where(HAS_GATEWAY, _gateway_ports(defaults)),
            *_where(ENDS_TLS, _tls_ports(defaults)),
        ]),
        "problems": "variables.unknown_annotations.size() + variables.wrong_values.size() > 0 "
        "? variables.unknown_annotations + variables.wrong_values : variables.contradictions.size() > 0 "
        "? variables.contradictions : variables.injected ? [] : variables.conflicts",
    }


def _where(condition: str, problems: t.Iterable[tuple[str, str]]) -> t.Iterator[tuple[str, str]]:
    """Problems that there can only be where a condition holds."""
    for further, text in problems:
        yield f"{condition} && ({further})", text


def _joined(problems: t.Iterable[tuple[str, str]]) -> str:
    """A list with the texts whose conditions hold."""
    return " + ".join(f"(({condition}) ? [{text}] : [])" for condition, text in problems)


def _unknown() -> str:
    """CEL knows no likeness of words, so all that are known are named."""
    known = listed([*(field.annotation for field in FIELDS), PREFIX + STATUS])
    remedy = literal(" is not known. Known are " + ", ".join(BY_NAME) + ".")
    ours = f"object.metadata.annotations.filter(key, key.startsWith({literal(PREFIX)}) && !(key in {known}))"
    return f"{ours}.map(key, key + {remedy})"


def _wrong_value(field: Field) -> tuple[str, str]:
    value = variable(field.name)
    if field.choices:
        right = f"{value} in {listed(field.choices)}"
    else:
        right = f"{value}.size() <= {LONGEST} && {value}.matches({literal('^(?:' + field.pattern + ')$')})"
    if field.numeric:
        right += f" && int({value}) >= {field.lowest} && int({value}) <= {field.highest}"
    shown = f"({value}.size() > {SHOWN} ? {value}.substring(0, {SHOWN}) : {value}).replace('\\n', ' ')"
    text = Writer([StandIn(VALUE, shown)], {}).text(field.problem(VALUE))
    return f"{literal(field.annotation)} in object.metadata.annotations && !({right})", text


def _only(problems: list[str], stand_ins: t.Iterable[StandIn] = ()) -> str:
    """The text of the one thing that is wrong with an example."""
    (problem,) = problems
    return Writer(stand_ins, {}).text(problem)


def _alone() -> t.Iterator[tuple[str, str]]:
    """Settings of a sidecar that is not asked for."""
    for opt_in, there, other in (("service", ENDS_TLS, "gateway"), ("gateway", HAS_GATEWAY, "service")):
        names = OF_ONE[opt_in]
        said = f"{listed(PREFIX + name for name in names)}.filter(name, name in object.metadata.annotations)"
        sample = contradictions(Settings({other: "orders"}, "shop", Defaults()), [names[0]])
        yield f"!({there}) && {said}.size() > 0", _only(sample, [StandIn(PREFIX + names[0], f"{said}[0]")])


def _shown(given: t.Mapping[str, str], stand_ins: t.Iterable[StandIn] = (), known: Defaults | None = None) -> str:
    """The text of the one contradiction in these settings."""
    return _only(contradictions(Settings(given, "shop", known or Defaults())), stand_ins)


def _amounts(given: t.Mapping[str, str], kind: str = "") -> t.Iterator[tuple[str, str]]:
    """Requests above their limits. ``kind`` is what the names of the settings begin with."""
    for name, (more, less) in {kind + "cpu": ("4321", "1234"), kind + "memory": ("4321Gi", "1234Gi")}.items():
        request, limit = variable(name), variable(name + "-limit")
        marks = [StandIn(more, request), StandIn(less, limit)]
        text = _shown({**given, name: more, name + "-limit": less}, marks)
        yield f"quantity({request}).compareTo(quantity({limit})) > 0", text


def _images(name: str, given: t.Mapping[str, str], defaults: Defaults) -> t.Iterator[tuple[str, str]]:
    """Images from elsewhere, where it is prescribed from where they come."""
    if defaults.image_prefixes:
        known = Defaults(image_prefixes=defaults.image_prefixes)
        right = " || ".join(f"{variable(name)}.startsWith({literal(prefix)})" for prefix in defaults.image_prefixes)
        text = _shown({**given, name: "<<image>>"}, [StandIn("<<image>>", variable(name))], known)
        yield f"!({right})", text


def _gateway_contradictions(defaults: Defaults) -> t.Iterator[tuple[str, str]]:
    alone, both = {"gateway": "orders"}, {"gateway": "orders", "service": "orders"}
    protocol = variable("protocol")
    yield f"{ENDS_TLS} && {protocol} != 'http'", _shown({**both, "protocol": "grpc"}, [StandIn("grpc", protocol)])
    yield f"{ENDS_TLS} && {variable('probes')} == 'rewrite'", _shown({**both, "probes": "rewrite"})
    yield from _amounts(alone, "gateway-")
    yield from _images("gateway-image", alone, defaults)


def _contradictions(defaults: Defaults) -> t.Iterator[tuple[str, str]]:
    def sample(stand_ins: t.Iterable[StandIn] = (), known: Defaults | None = None, **given: str) -> str:
        texts = {name.replace("_", "-"): value for name, value in {"service": "orders", **given}.items()}
        return _only(contradictions(Settings(texts, "shop", known or Defaults())), stand_ins)

    secret, config_map = variable("client-ca-secret"), variable("client-ca-config-map")
    twice = sample(client_ca_secret="one", client_ca_config_map="two")
    yield f"{secret} != '' && {config_map} != ''", twice
    yield (
        f"{variable('probes')} == 'rewrite' && variables.client != 'off'",
        sample(probes="rewrite", client_ca_secret="one"),
    )
    of_names = [name for name, engine in ENGINES.items() if engine.serves("http", "names")][0]
    yield "variables.client == 'names' && variables.authority == 'none'", sample(engine=of_names, client_names="a")
    asked = f"({variable('engine')} + '/' + {variable('protocol')} + '/' + variables.client)"
    refused = {}
    for engine, protocol, client in itertools.product(ENGINES, PROTOCOLS, CLIENT_MODES):
        if not ENGINES[engine].serves(protocol, client):
            names = {"client_names": "a"} if client == "names" else {}
            authority = {} if client == "off" else {"client_ca_secret": "one"}
            text = sample(engine=engine, protocol=protocol, **names, **authority)
            refused[f"{engine}/{protocol}/{client}"] = text
    yield f"{asked} in {listed(refused)}", "{" + ", ".join(f"'{key}': {text}" for key, text in refused.items()) + f"}}[{asked}]"
    yield from _amounts({"service": "orders"})
    yield from _images("image", {"service": "orders"}, defaults)


Sample = t.Callable[..., str]


def _sampler(defaults: Defaults) -> Sample:
    """A function that gives the text of the one conflict of an example."""

    def sample(spec: dict[str, t.Any], *stand_ins: StandIn, status: bool = False, **given: str) -> str:
        texts = {name.replace("_", "-"): value for name, value in given.items()}
        pod = {"metadata": {"annotations": {PREFIX + STATUS: "{}"} if status else {}}}
        whole = {**pod, "spec": {"containers": [APPLICATION], **spec}}
        return _only(conflicts.find(whole, Settings(texts, "shop", defaults)), stand_ins)

    return sample


def _app(*ports: int) -> dict[str, t.Any]:
    return {"containers": [{"name": "app", "ports": [{"containerPort": port} for port in ports]}]}


PLAIN = {"application_port": "2", "port": "3"}


def _conflicts(defaults: Defaults) -> t.Iterator[tuple[str, str]]:
    """Those of pods with any sidecar."""
    sample, own = _sampler(defaults), variable("application-port")
    asked = StandIn(PREFIX + "service", "variables.asked_by")
    yield "object.spec.?hostNetwork.orValue(false)", sample({"hostNetwork": True}, asked, **PLAIN)
    yield "object.spec.?os.?name.orValue('') == 'windows'", sample({"os": {"name": "windows"}}, asked, **PLAIN)
    yield "variables.containers.size() == 0", sample({"containers": []}, asked, **PLAIN)
    missing = f"variables.gateway_named ? {literal(PREFIX + 'service')} : {literal(PREFIX + 'gateway')}"
    half = {"containers": [APPLICATION, {"name": SIDECAR}]}
    yield "variables.added_without", sample(
        half, StandIn(PREFIX + "gateway", f"({missing})"), status=True, service="a", gateway="b", **PLAIN
    )
    many = StandIn("54321, 54322", "variables.application_ports.map(port, string(port)).join(', ')")
    yield f"{own} == '' && variables.application_ports.size() == 0", sample(_app(), port="3")
    yield f"{own} == '' && variables.application_ports.size() > 1", sample(_app(54321, 54322), many, port="3")


def _name_conflicts(defaults: Defaults) -> t.Iterator[tuple[str, str]]:
    sample = _sampler(defaults)
    here = []
    for sidecar, kind, asked, there in ((SIDECAR, "", "service", ENDS_TLS), (GATEWAY, "gateway_", "gateway", HAS_GATEWAY)):
        plain = {asked: "orders", **PLAIN}
        named = f"{there} && variables.{kind or 'tls_'}named"
        here.append(f"!({named})")
        yield named, sample({"initContainers": [{"name": sidecar}]}, **plain)
        taken = {"volumes": [{"name": sidecar + "-<<taken>>"}]}
        volumes = f"variables.taken_{kind}volumes"
        yield f"{there} && {volumes}.size() > 0", sample(
            taken, StandIn(sidecar + "-<<taken>>", f"{volumes}.join(', ')"), **plain)
    yield " && ".join(["variables.status", *here]), sample({}, status=True, **PLAIN)


def _gateway_ports(defaults: Defaults) -> t.Iterator[tuple[str, str]]:
    sample, own, port = _sampler(defaults), variable("application-port"), "variables.gateway_port_number"
    twice = f"{own} != '' && int({own}) == {port}"
    mark = StandIn(54323, port)
    yield twice, sample({}, mark, gateway="a", application_port="54323", gateway_port="54323")
    yield f"!({twice}) && {port} in variables.taken_ports", sample(_app(54323), mark, gateway="a", gateway_port="54323")


def _tls_ports(defaults: Defaults) -> t.Iterator[tuple[str, str]]:
    sample, own, port = _sampler(defaults), variable("application-port"), "variables.port_number"
    gateway = "variables.gateway_port_number"
    mark = StandIn(54323, port)
    both = {"service": "a", "gateway": "b", "application_port": "2"}
    same = f"{port} == {gateway}"
    yield same, sample({}, mark, port="54323", gateway_port="54323", **both)
    twice = f"!({same}) && {own} != '' && int({own}) == {port}"
    yield twice, sample({}, mark, application_port="54323", port="54323")
    yield f"!({same}) && !({twice}) && {port} in variables.taken_ports", sample(_app(54323), mark, port="54323")
    held = f"(variables.taken_ports + [{gateway}] + ({own} != '' ? [int({own})] : []))"
    reached = contract.administration_port(54323)
    administered = [name for name, engine in ENGINES.items() if engine.administered][0]
    marks = [mark, StandIn(reached, "variables.administration_port"), StandIn(administered, variable("engine"))]
    yield f"variables.administration_port > 0 && variables.administration_port in {held}", sample(
        _app(reached), *marks, port="54323", engine=administered
    )
    metrics = "variables.metrics_port_number"
    yield (
        f"{metrics} > 0 && {metrics} in {held} + [{port}, variables.administration_port]",
        sample(_app(54324), StandIn(54324, metrics), port="3", metrics_port="54324"),
    )
    first = "int(variables.sysctl)"
    rules = {"securityContext": {"sysctls": [{"name": UNPRIVILEGED_PORTS, "value": "987"}]}}
    yield (
        f"variables.sysctl.matches('^[0-9]{{1,18}}$') && {port} < ({first} < 1024 ? {first} : 1024)",
        sample(rules, StandIn("987", "variables.sysctl"), StandIn(654, port), application_port="2", port="654"),
    )
