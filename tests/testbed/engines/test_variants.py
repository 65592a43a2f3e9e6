# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every text that an engine's description can give is one that the engine's own check accepts."""
from __future__ import annotations

import itertools
import subprocess

import pytest

from testbed.engines.sidecar import Sidecar

pytestmark = pytest.mark.testbed

#: The wheel's nginx lacks the module for metrics; test_metrics.py shows that part to one that has it.
CHECKS = {
    "nginx": 'sed -i "/# stub_status/,/# end of/d" "$file"; nginx -t -q -e stderr -p /tmp -c "$file"',
    "envoy": 'envoy --mode validate -l error -c "$file"',
    "haproxy": 'haproxy -c -q -f "$file"',
    "apache": 'TLS_SIDECAR_MODULES=/usr/local/apache2/modules /usr/local/apache2/bin/httpd -t -f "$file"',
}
_SCRIPT = r"""
certificate=/var/run/tls-sidecar/certificate
cat $certificate/tls.crt $certificate/tls.key > /tmp/certificate.pem
: > /tmp/state
for folder in /var/run/tls-sidecar/client-ca/variants/*; do
  # Beside the configuration lie the files that it names.
  for file in $folder/*; do
    case $file in
      *CERTIFICATE) cp $file /tmp/certificate.yaml ;;
      *AUTHORITIES) cp $file /tmp/authorities.yaml ;;
      *LUA) cp $file /tmp/names.lua ;;
    esac
  done
  # Envoy goes by the name's end.
  file=/tmp/configuration.yaml
  cp $folder/TLS_SIDECAR_CONFIGURATION $file
  if said=`CHECK 2>&1`; then echo fine; else echo "refused `cat $folder/variant`: $said" | tail -c 300; fi
done
"""


def texts(engine: str, sidecar) -> dict[str, dict[str, str]]:
    """The different environments, each with the first selection that gives it."""
    selectors = {"protocol": ("http", "http2", "grpc", "tcp"), "client": ("off", "ca", "names"),
                 "http2": ("true", "false"), "tls_minimum": ("1.2", "1.3"), "access_log": ("off", "json"),
                 "metrics": ("off", "on")}
    found: dict[tuple, str] = {}
    extremes = [(first, last) for first, *_, last in selectors.values()][2:]
    for combination in itertools.product(*selectors.values()):
        selected = dict(zip(selectors, combination, strict=True))
        # Envoy takes a third of a second each, so it gets the ends: each text of each choice is still there.
        if engine == "envoy" and combination[2:] not in list(zip(*extremes, strict=True)):
            continue
        values = {"client-names": "apigee.acme.example", "metrics-port": "9145"}
        made: Sidecar = sidecar(engine, 8080, values=values, **selected)
        if made.engine.serves(selected["protocol"], selected["client"]):
            made.values["port"] = "8443"
            found.setdefault(tuple(sorted(made.environment.items())), str(selected))
    return {selected: dict(environment) for environment, selected in found.items()}


@pytest.mark.parametrize("engine", CHECKS)
def test_the_engine_accepts_every_variant(engine, sidecar, secret, tmp_path):
    variants = texts(engine, sidecar)
    assert len(variants) >= 16
    for number, (selected, environment) in enumerate(variants.items()):
        folder = secret.path / "variants" / f"{number:03}"
        folder.mkdir(parents=True)
        (folder / "variant").write_text(selected, encoding="ascii")
        for name, text in environment.items():
            (folder / name).write_text(text, encoding="ascii")
    running = sidecar(engine, 8080)
    process = running.launch(_SCRIPT.replace("CHECK", CHECKS[engine]), environment={})
    try:
        process.wait(timeout=120)
    except subprocess.TimeoutExpired:
        process.kill()
        raise
    lines = running.told.splitlines()
    assert lines == ["fine"] * len(variants)
