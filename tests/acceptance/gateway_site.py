# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""An Apigee organisation without a cluster, modules run against it, and proxies that answer by themselves."""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.acceptance.cloud import Cloud
from tests.acceptance.stream import Stream

HERE = Path(__file__).resolve().parent
HOST = "api.acme.example"
APIS = ["compute", "servicenetworking", "apigee"]
RESOURCES: list[dict[str, Any]] = [
    {"kind": "project_services", "services": APIS},
    {"kind": "compute_network", "name": "shop-vpc"},
    {
        "kind": "compute_global_address", "name": "apigee", "network": "shop-vpc", "purpose": "VPC_PEERING",
        "address": "10.64.0.0", "prefix_length": 20,
    },
    {"kind": "service_networking_connection", "network": "shop-vpc", "reserved_peering_ranges": ["apigee"]},
    {
        "kind": "apigee_organization", "name": "acme-shop", "analytics_region": "europe-west1",
        "authorized_network": "shop-vpc", "billing_type": "EVALUATION",
    },
    {"kind": "apigee_instance", "name": "euw1", "location": "europe-west1", "ip_ranges": ["10.64.0.0/22"]},
    *(
        resource
        for name in ("prod", "test")
        for resource in (
            {"kind": "apigee_environment", "name": name},
            {"kind": "apigee_instance_attachment", "instance": "euw1", "environment": name},
        )
    ),
    {"kind": "apigee_environment_group", "name": "public", "hostnames": [HOST]},
    {"kind": "apigee_environment_group_attachment", "environment_group": "public", "environment": "prod"},
    {"kind": "apigee_environment_group_attachment", "environment_group": "public", "environment": "test"},
]  # fmt: skip


class Site:
    """The organisation of a testbed and a folder for bundles."""

    def __init__(self, cloud: Cloud, folder: Path) -> None:
        self.cloud = cloud
        self.folder = folder
        self._number = itertools.count()

    def build(self) -> None:
        """Make everything but proxies."""
        self.cloud.reset()
        self.run("resources", resources=RESOURCES)

    # -- modules

    def start(self, module: str, check: bool = False, **options: Any) -> subprocess.Popen[str]:
        """Begin to run a module."""
        connection = self.cloud.connection
        arguments = {
            "endpoints": connection["endpoints"],
            "service_account_file": connection["service_account_file"],
            "project": connection["project"],
            **options,
            "_ansible_check_mode": check,
            "_ansible_diff": True,
            "_ansible_remote_tmp": str(self.folder),
            "_ansible_keep_remote_files": False,
        }
        path = self.folder / f"arguments-{next(self._number)}.json"
        path.write_text(json.dumps(arguments))
        return subprocess.Popen(
            [sys.executable, str(HERE / "module_run.py"), module, str(path)],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            env=self.cloud.environment,
        )  # fmt: skip

    @staticmethod
    def result(process: subprocess.Popen[str]) -> dict[str, Any]:
        """What a module that was begun came to."""
        output, trouble = process.communicate(timeout=120)
        assert output.strip().startswith("{"), output + trouble
        return {**json.loads(output), "rc": process.returncode}

    def run(self, module: str, *, fails: bool = False, check: bool = False, **options: Any) -> dict[str, Any]:
        """Run a module to its end."""
        result = self.result(self.start(module, check, **options))
        assert bool(result.get("failed")) == fails == bool(result["rc"]), result.get("msg", result)
        return result

    def proxy(self, bundle: Path | None, *, fails: bool = False, check: bool = False, **options: Any) -> dict[str, Any]:
        """Run ``apigee_proxy`` for the proxy orders, asking through the testbed's gateway."""
        wanted: dict[str, Any] = {"name": "orders", "environments": ["prod"], "probe_request": self.probe, **options}
        if bundle is not None:
            wanted["bundle"] = str(bundle)
        return self.run("apigee_proxy", fails=fails, check=check, **wanted)

    @property
    def probe(self) -> dict[str, Any]:
        """How the gateway is reached."""
        return {**self.cloud.connection["northbound"], "timeout": 5}

    # -- the gateway

    def stream(self, path: str = "/orders/1") -> Stream:
        """Requests to a path of the proxy."""
        return Stream(self.cloud.connection["northbound"], HOST, path)

    # -- Apigee

    def fault(self, **fault: Any) -> None:
        """Make the next deployment go wrong."""
        self.cloud.control("POST", "faults", json={"match": "*.revisions.deploy", "times": 1, **fault})

    def writes(self) -> int:
        """Mutating calls since the log was cleared."""
        return sum(1 for one in self.cloud.control("GET", "requests")["requests"] if one["mutating"])

    def revisions(self, name: str = "orders") -> list[str]:
        """Revisions of a proxy, oldest first."""
        return self.cloud.google("GET", "apigee", f"v1/organizations/acme-shop/apis/{name}/revisions")

    def deployed(self, name: str = "orders") -> dict[str, str]:
        """Environment to deployed revision."""
        found = self.cloud.google("GET", "apigee", f"v1/organizations/acme-shop/apis/{name}/deployments")
        return {one["environment"]: one["revision"] for one in found.get("deployments") or []}

    # -- bundles

    def bundle(self, says: str, base_path: str = "/orders", *, name: str = "orders", more: str = "") -> Path:
        """A proxy without a target that answers ``says`` to every request, or what ``more`` (flows) makes of it."""
        return self.write(files(says, base_path, name, more))

    def calling(self) -> Path:
        """The proxy orders, which answers what the shared flow greeting says."""
        return self.write(calling_files())

    def greeting(self, says: str) -> Path:
        """The shared flow greeting."""
        return self.write(flow_files(says))

    def write(self, content: dict[str, str]) -> Path:
        """A folder with these files."""
        folder = self.folder / f"bundle-{next(self._number)}"
        for path, text in content.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(text)
        return folder


def answer(says: str) -> str:
    """A policy that answers."""
    return f"""<AssignMessage name="Answer">
  <Set><Payload contentType="text/plain">{says}</Payload></Set>
  <AssignTo createNew="false" transport="http" type="response"/>
</AssignMessage>
"""


def flow_files(says: str) -> dict[str, str]:
    """Files of a shared flow that answers."""
    return {
        "sharedflowbundle/greeting.xml": '<SharedFlowBundle name="greeting"/>',
        "sharedflowbundle/policies/Answer.xml": answer(says),
        "sharedflowbundle/sharedflows/default.xml": """<SharedFlow name="default">
  <Step><Name>Answer</Name></Step>
</SharedFlow>
""",
    }


def calling_files() -> dict[str, str]:
    """Files of a proxy that has the shared flow greeting answer."""
    made = files("nothing", "/orders", "orders")
    made["apiproxy/policies/Answer.xml"] = """<FlowCallout name="Answer">
  <SharedFlowBundle>greeting</SharedFlowBundle>
</FlowCallout>
"""
    return made


def files(says: str, base_path: str, name: str, more: str = "") -> dict[str, str]:
    """Files of such a proxy. A request below ``/health`` is refused where ``more`` names the policy Refuse."""
    return {
        f"apiproxy/{name}.xml": f'<APIProxy name="{name}"><DisplayName>{name}</DisplayName></APIProxy>',
        "apiproxy/policies/Answer.xml": answer(says),
        "apiproxy/policies/Refuse.xml": """<RaiseFault name="Refuse">
  <FaultResponse><Set><StatusCode>503</StatusCode><ReasonPhrase>Not Now</ReasonPhrase></Set></FaultResponse>
</RaiseFault>
""",
        "apiproxy/proxies/default.xml": f"""<ProxyEndpoint name="default">
  <PreFlow name="PreFlow"><Request/><Response><Step><Name>Answer</Name></Step></Response></PreFlow>
  <Flows>{more}</Flows>
  <HTTPProxyConnection><BasePath>{base_path}</BasePath></HTTPProxyConnection>
  <RouteRule name="none"/>
</ProxyEndpoint>
""",
    }


#: Flows of a proxy whose health is bad though it serves everything else.
SICK = """<Flow name="health"><Condition>proxy.pathsuffix = "/health"</Condition>
  <Request><Step><Name>Refuse</Name></Step></Request></Flow>"""
