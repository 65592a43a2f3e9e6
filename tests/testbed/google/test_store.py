# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A request is a transaction, whole or not at all, also when the process is killed."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from pathlib import Path

import aiohttp
import pytest

from testbed.google.store import Store
from tests.testbed.google.conftest import COMPUTE


async def test_a_failed_transaction_changes_nothing(tmp_path: Path) -> None:
    store = Store(tmp_path / "s.sqlite")
    async with store.transaction() as tx:
        tx.put("a/1", {"n": 1})
        tx.put_blob("b", b"x")
    with pytest.raises(RuntimeError):
        async with store.transaction() as tx:
            tx.put("a/1", {"n": 2})
            tx.delete("a/1")
            raise RuntimeError
    assert store.snapshot().get("a/1") == {"n": 1}
    assert store.snapshot().get_blob("b") == b"x"
    store.close()


async def test_a_transaction_sees_its_own_changes_only_itself(tmp_path: Path) -> None:
    store = Store(tmp_path / "s.sqlite")
    async with store.transaction() as tx:
        tx.put("a/1", {"n": 1})
        tx.put("a/1/x", {"n": 2})
        assert tx.keys("a/") == ["a/1", "a/1/x"] and tx.children("a") == [{"n": 1}]
        assert store.snapshot().keys("a/") == []
        tx.get("a/1")["n"] = 5
        assert tx.get("a/1") == {"n": 1}, "what is read is a copy"
    async with store.transaction() as tx:
        tx.delete_under("a/1")
        assert not tx.exists("a/1/x")
    assert store.snapshot().keys("") == []
    store.close()


async def test_committed_requests_survive_sigkill(state: Path) -> None:
    async def start() -> tuple[asyncio.subprocess.Process, str, dict]:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "testbed.google", "--state", str(state), stdout=asyncio.subprocess.PIPE
        )
        assert process.stdout is not None
        url = (await asyncio.wait_for(process.stdout.readline(), 30)).decode().strip()
        token = json.loads((state / "connection.json").read_text())["access_token"]
        return process, url, {"Authorization": f"Bearer {token}"}

    process, url, headers = await start()
    async with aiohttp.ClientSession() as session:
        body = {"serviceIds": ["compute.googleapis.com"]}
        path = "serviceusage/v1/projects/acme-shop/services:batchEnable"
        async with session.post(f"{url}/{path}", json=body, headers=headers) as response:
            operation = (await response.json())["name"]
        async with session.get(f"{url}/serviceusage/v1/{operation}", headers=headers) as response:
            assert (await response.json())["done"]
        made = []
        for number in range(5):
            network = {"name": f"n{number}", "autoCreateSubnetworks": False}
            async with session.post(f"{url}/{COMPUTE}/global/networks", json=network, headers=headers) as response:
                made.append((await response.json())["name"])
        process.send_signal(signal.SIGKILL)
        await process.wait()
        process, url, fresh = await start()
        try:
            async with session.get(f"{url}/{COMPUTE}/global/networks", headers=headers) as response:
                assert response.status == 200, "tokens survive too"
                assert [n["name"] for n in (await response.json())["items"]] == [f"n{n}" for n in range(5)]
            for name in made:
                operation_url = f"{url}/{COMPUTE}/global/operations/{name}"
                async with session.get(operation_url, headers=fresh) as response:
                    assert (await response.json())["status"] == "DONE"
        finally:
            process.terminate()
            await process.wait()
