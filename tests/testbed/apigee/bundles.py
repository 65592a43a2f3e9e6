# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Small API proxy bundles for the tests, as zips in memory."""
from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping


def archive(files: Mapping[str, str | bytes]) -> bytes:
    """A zip of files with the same bytes for the same content."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as target:
        for name, content in files.items():
            target.writestr(zipfile.ZipInfo(name), content)
    return buffer.getvalue()


def steps(*names: str) -> str:
    """``name`` or ``name if condition``."""
    text = ""
    for name in names:
        policy, _, condition = name.partition(" if ")
        when = f"<Condition>{condition}</Condition>" if condition else ""
        text += f"<Step><Name>{policy}</Name>{when}</Step>"
    return text


def flow(tag: str, request: str = "", response: str = "") -> str:
    return f'<{tag} name="{tag}"><Request>{request}</Request><Response>{response}</Response></{tag}>'


def proxy_xml(base_path: str = "/demo", *, name: str = "default", pre: str = "", pre_response: str = "",
              flows: str = "", post: str = "", post_response: str = "", rules: str = "",
              routes: str = '<RouteRule name="default"><TargetEndpoint>default</TargetEndpoint></RouteRule>',
              properties: str = "") -> str:
    return (f'<ProxyEndpoint name="{name}">{rules}{flow("PreFlow", pre, pre_response)}<Flows>{flows}</Flows>'
            f'{flow("PostFlow", post, post_response)}<HTTPProxyConnection><BasePath>{base_path}</BasePath>'
            f"<Properties>{properties}</Properties></HTTPProxyConnection>{routes}</ProxyEndpoint>")


def target_xml(connection: str = '<LoadBalancer><Server name="backend"/></LoadBalancer>', *, name: str = "default",
               pre: str = "", pre_response: str = "", flows: str = "", rules: str = "", properties: str = "") -> str:
    return (f'<TargetEndpoint name="{name}">{rules}{flow("PreFlow", pre, pre_response)}<Flows>{flows}</Flows>'
            f"<HTTPTargetConnection>{connection}<Properties>{properties}</Properties></HTTPTargetConnection>"
            "</TargetEndpoint>")


def properties(**values: object) -> str:
    """``properties(connect__timeout__millis=100)``: two underscores stand for a dot."""
    return "".join(f'<Property name="{name.replace("__", ".")}">{value}</Property>' for name, value in values.items())


def bundle(proxy: str | None = None, target: str | None = None, policies: Mapping[str, str] | None = None,
           **more: str | bytes) -> bytes:
    """A bundle of one proxy endpoint, one target endpoint and policies; ``more`` are further files by path."""
    files: dict[str, str | bytes] = {
        "apiproxy/demo.xml": '<APIProxy name="demo" revision="1"><DisplayName>Demo</DisplayName></APIProxy>',
        "apiproxy/proxies/default.xml": proxy if proxy is not None else proxy_xml(),
        "apiproxy/targets/default.xml": target if target is not None else target_xml(),
    }
    for number, policy in enumerate((policies or {}).values()):
        files[f"apiproxy/policies/policy-{number}.xml"] = policy
    return archive({**files, **more})


def with_policies(proxy: str, *policies: str, target: str | None = None) -> bytes:
    return bundle(proxy, target, {str(number): policy for number, policy in enumerate(policies)})


def assign(name: str, content: str) -> str:
    return f'<AssignMessage name="{name}">{content}</AssignMessage>'


def show(*variables: str) -> str:
    """A policy that makes the response a JSON object of variables."""
    fields = ",".join(f'"{name}": "{{{name}}}"' for name in variables)
    return assign("show", f'<Set><Payload contentType="application/json">{{{fields}}}</Payload></Set>'
                          "<IgnoreUnresolvedVariables>true</IgnoreUnresolvedVariables>")


def shared_flow_bundle(steps_xml: str, *policies: str) -> bytes:
    """The bundle of a shared flow with these steps and policies."""
    files: dict[str, str | bytes] = {
        "sharedflowbundle/flow.xml": '<SharedFlowBundle name="flow"/>',
        "sharedflowbundle/sharedflows/default.xml": f'<SharedFlow name="default">{steps_xml}</SharedFlow>',
    }
    for number, policy in enumerate(policies):
        files[f"sharedflowbundle/policies/policy-{number}.xml"] = policy
    return archive(files)


def callout(name: str, shared_flow: str, parameters: str = "", attributes: str = "") -> str:
    """A FlowCallout policy; ``parameters`` is the content of its element Parameters."""
    inner = f"<Parameters>{parameters}</Parameters>" if parameters else ""
    return (f'<FlowCallout name="{name}" {attributes}><SharedFlowBundle>{shared_flow}</SharedFlowBundle>{inner}'
            "</FlowCallout>")
