# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The state of a fresh testbed: two projects, three service accounts, nothing else."""

from __future__ import annotations

import json
import os
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from testbed.google.store import Transaction
from testbed.state import OTHER_PROJECT, PROJECT, PROJECT_NUMBER

OTHER_NUMBER = "210987654321"

OWNER = f"deployer@{PROJECT}.iam.gserviceaccount.com"
VIEWER = f"viewer@{PROJECT}.iam.gserviceaccount.com"
NOBODY = f"nobody@{PROJECT}.iam.gserviceaccount.com"

# What Google enables in every new project; source: Service Usage documentation, "Default services". Resource Manager
# is added because every client asks it for the project's number before it can enable anything (google-apis.md 8).
DEFAULT_SERVICES = (
    "cloudapis.googleapis.com",
    "cloudresourcemanager.googleapis.com",
    "logging.googleapis.com",
    "monitoring.googleapis.com",
    "servicemanagement.googleapis.com",
    "serviceusage.googleapis.com",
    "storage-api.googleapis.com",
    "storage-component.googleapis.com",
)

ACCOUNTS = {"deployer": OWNER, "viewer": VIEWER, "nobody": NOBODY}


def key_file(state: Path, account: str = "deployer") -> Path:
    """Return where the key of a seeded service account lies."""
    return state / ("service-account.json" if account == "deployer" else f"service-account-{account}.json")


def seed(tx: Transaction, state: Path) -> None:
    """Write the seeded state; keys of service accounts are made once and then kept."""
    for project, number, name in (
        (PROJECT, PROJECT_NUMBER, "Acme shop"),
        (OTHER_PROJECT, OTHER_NUMBER, "Other team"),
    ):
        tx.put(
            f"projects/{project}",
            {
                "projectId": project,
                "number": number,
                "displayName": name,
                "createTime": "2026-01-05T09:00:00.000Z",
                "parent": "organizations/433637338589",
                "labels": {},
            },
        )
        for service in DEFAULT_SERVICES:
            tx.put(f"serviceusage/projects/{number}/services/{service}", {"state": "ENABLED"})
    owners = [f"serviceAccount:{OWNER}"]
    tx.put(f"policies/projects/{PROJECT}", {
        "version": 1,
        "bindings": [
            {"role": "roles/owner", "members": owners},
            {"role": "roles/viewer", "members": [f"serviceAccount:{VIEWER}"]},
        ],
    })  # fmt: skip
    tx.put(
        f"policies/projects/{OTHER_PROJECT}", {"version": 1, "bindings": [{"role": "roles/owner", "members": owners}]}
    )
    for index, (account, email) in enumerate(ACCOUNTS.items()):
        key = service_account_key(key_file(state, account), email, index)
        tx.put(
            f"iam/projects/{PROJECT}/serviceAccounts/{email}",
            {
                "name": f"projects/{PROJECT}/serviceAccounts/{email}",
                "projectId": PROJECT,
                "uniqueId": str(10**20 + 7 * (index + 1)),
                "email": email,
                "displayName": account,
                "oauth2ClientId": str(10**20 + 7 * (index + 1)),
                "keys": {key["private_key_id"]: key["public"]},
            },
        )


def service_account_key(path: Path, email: str, index: int) -> dict[str, str]:
    """Return key id and public key of a service account; make its key file when there is none."""
    if not path.exists():
        private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        pem = private.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ).decode()
        content = {
            "type": "service_account",
            "project_id": PROJECT,
            "private_key_id": os.urandom(20).hex(),
            "private_key": pem,
            "client_email": email,
            "client_id": str(10**20 + 7 * (index + 1)),
            "auth_uri": "https://accounts.google.com/o/oauth2/auth",
            "token_uri": "https://oauth2.googleapis.com/token",
            "universe_domain": "googleapis.com",
        }
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            json.dump(content, file, indent=2)
    content = json.loads(path.read_text())
    private_key = serialization.load_pem_private_key(
        content["private_key"].encode(), None, unsafe_skip_rsa_key_validation=True
    )
    public = private_key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return {"private_key_id": content["private_key_id"], "public": public.decode()}


def point_keys_at(state: Path, token_uri: str) -> None:
    """Write the emulator's token endpoint into the key files, so that google-auth asks it for tokens."""
    for account in ACCOUNTS:
        path = key_file(state, account)
        content = json.loads(path.read_text())
        if content["token_uri"] != token_uri:
            content["token_uri"] = token_uri
            path.write_text(json.dumps(content, indent=2))
            path.chmod(0o600)
