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
from .engines import contract
from .engines.contract import CLIENT_MODES, PROTOCOLS
from .engines.registry import ENGINES
from .fields import BY_NAME, FIELDS, LONGEST, PREFIX, SHOWN, STATUS, Field
from .pod import SIDECAR, UNPRIVILEGED_PORTS
from .policy_terms import variable
from .settings import Defaults, Settings, contradictions

VALUE = "<<value>>"
APPLICATION = {"name": "app", "ports": [{"containerPort": 1}]}


def variables(defaults: Defaults) -> dict[str, str]:
    """The variables by name, ``problems`` last: all that is to be told."""
    return {
        "unknown_annotations": _unknown(),
        "wrong_values": _joined(_wrong_value(field) for field in FIELDS),
        "contradictions": _joined(_contradictions(defaults)),
        "conflicts": _joined(_conflicts(defaults)),
        "problems": "variables.unknown_annotations.size() + variables.wrong_values.size() > 0 "
        "? variables.unknown_annotations + variables.wrong_values : variables.contradictions.size() > 0 "
        "? variables.contradictions : variables.injected ? [] : variables.conflicts",
    }


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
    for name, (more, less) in {"cpu": ("4321", "1234"), "memory": ("4321Gi", "1234Gi")}.items():
        request, limit = variable(name), variable(name + "-limit")
        marks = [StandIn(more, request), StandIn(less, limit)]
        yield f"quantity({request}).compareTo(quantity({limit})) > 0", sample(marks, **{name: more, name + "-limit": less})
    if defaults.image_prefixes:
        known = Defaults(image_prefixes=defaults.image_prefixes)
        right = " || ".join(f"variables.image.startsWith({literal(prefix)})" for prefix in defaults.image_prefixes)
        yield f"!({right})", sample([StandIn("<<image>>", "variables.image")], known, image="<<image>>")


def _conflicts(defaults: Defaults) -> t.Iterator[tuple[str, str]]:
    def sample(spec: dict[str, t.Any], *stand_ins: StandIn, status: bool = False, **given: str) -> str:
        texts = {name.replace("_", "-"): value for name, value in given.items()}
        pod = {"metadata": {"annotations": {PREFIX + STATUS: "{}"} if status else {}}}
        whole = {**pod, "spec": {"containers": [APPLICATION], **spec}}
        return _only(conflicts.find(whole, Settings(texts, "shop", defaults)), stand_ins)

    def app(*ports: int) -> dict[str, t.Any]:
        return {"containers": [{"name": "app", "ports": [{"containerPort": port} for port in ports]}]}

    port, own = "variables.port_number", variable("application-port")
    named = f"variables.container_names.exists(name, name == {literal(SIDECAR)})"
    many = StandIn("54321, 54322", "variables.application_ports.map(port, string(port)).join(', ')")
    twice = f"{own} != '' && int({own}) == {port}"
    plain = {"application_port": "2", "port": "3"}
    yield "object.spec.?hostNetwork.orValue(false)", sample({"hostNetwork": True}, **plain)
    yield "object.spec.?os.?name.orValue('') == 'windows'", sample({"os": {"name": "windows"}}, **plain)
    yield "variables.containers.size() == 0", sample({"containers": []}, **plain)
    yield named, sample({"initContainers": [{"name": SIDECAR}]}, **plain)
    yield f"!{named} && variables.status", sample({}, status=True, **plain)
    taken = {"volumes": [{"name": SIDECAR + "-<<taken>>"}]}
    yield "variables.taken_volumes.size() > 0", sample(
        taken, StandIn(SIDECAR + "-<<taken>>", "variables.taken_volumes.join(', ')"), **plain)
    yield f"{own} == '' && variables.application_ports.size() == 0", sample(app(), port="3")
    yield f"{own} == '' && variables.application_ports.size() > 1", sample(app(54321, 54322), many, port="3")
    yield twice, sample({}, StandIn(54323, port), application_port="54323", port="54323")
    yield f"!({twice}) && {port} in variables.taken_ports", sample(app(54323), StandIn(54323, port), port="54323")
    held = f"(variables.taken_ports + ({own} != '' ? [int({own})] : []))"
    reached = contract.administration_port(54323)
    administered = [name for name, engine in ENGINES.items() if engine.administered][0]
    marks = [
        StandIn(54323, port), StandIn(reached, "variables.administration_port"), StandIn(administered, variable("engine"))]
    yield f"variables.administration_port in {held}", sample(app(reached), *marks, port="54323", engine=administered)
    metrics = "variables.metrics_port_number"
    yield (
        f"{metrics} > 0 && {metrics} in {held} + [{port}, variables.administration_port]",
        sample(app(54324), StandIn(54324, metrics), port="3", metrics_port="54324"),
    )
    first = "int(variables.sysctl)"
    rules = {"securityContext": {"sysctls": [{"name": UNPRIVILEGED_PORTS, "value": "987"}]}}
    yield (
        f"variables.sysctl.matches('^[0-9]{{1,18}}$') && {port} < ({first} < 1024 ? {first} : 1024)",
        sample(rules, StandIn("987", "variables.sysctl"), StandIn(654, port), application_port="2", port="654"),
    )
