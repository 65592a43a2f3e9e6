# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
"""What the first call needs: an application behind a headless Service, and an API proxy bundle."""
from __future__ import annotations

import io
import zipfile

from testbed.images import SAMPLE_APP_IMAGE

APPLICATION = f"""
apiVersion: v1
kind: Namespace
metadata: {{name: shop}}
---
apiVersion: v1
kind: Service
metadata: {{name: orders, namespace: shop}}
spec:
  clusterIP: None
  selector: {{app: orders}}
  ports: [{{name: http, port: 8080}}]
---
apiVersion: apps/v1
kind: Deployment
metadata: {{name: orders, namespace: shop}}
spec:
  replicas: 2
  selector: {{matchLabels: {{app: orders}}}}
  template:
    metadata: {{labels: {{app: orders}}}}
    spec:
      containers:
      - name: app
        image: {SAMPLE_APP_IMAGE}
        imagePullPolicy: IfNotPresent
        ports: [{{name: http, containerPort: 8080}}]
        readinessProbe: {{httpGet: {{path: /healthz, port: http}}, periodSeconds: 1}}
"""


def bundle(base_path: str, url: str, name: str = "orders") -> bytes:
    """An API proxy of one route to one URL."""
    steps = '<PreFlow name="PreFlow"/><Flows/><PostFlow name="PostFlow"/>'
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr(f"apiproxy/{name}.xml", f'<APIProxy name="{name}"/>')
        archive.writestr("apiproxy/proxies/default.xml", (
            f'<ProxyEndpoint name="default">{steps}<HTTPProxyConnection><BasePath>{base_path}</BasePath>'
            '</HTTPProxyConnection><RouteRule name="default"><TargetEndpoint>default</TargetEndpoint></RouteRule>'
            "</ProxyEndpoint>"))
        archive.writestr("apiproxy/targets/default.xml", (
            f'<TargetEndpoint name="default">{steps}<HTTPTargetConnection><URL>{url}</URL></HTTPTargetConnection>'
            "</TargetEndpoint>"))
    return content.getvalue()
