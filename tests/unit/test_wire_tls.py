"""TLS as both wires speak it: whom they trust, what they say of whom they don't, and that nothing outside changes it (N15)."""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import uvloop

from connectors.wire import LeanWire, LibraryWire
from connectors.wire.address import tls_context
from relocation.rules.errors import Refusal, Unreachable, Untrusted
from tests.unit.wire_peer import OK, Authority, Peer, Visit


@pytest.fixture(params=[asyncio.DefaultEventLoopPolicy, uvloop.EventLoopPolicy], ids=["asyncio", "uvloop"])
def event_loop_policy(request):
    """Each claim on both loops."""
    return request.param()


@pytest.fixture(params=[LeanWire, LibraryWire], ids=["lean", "library"])
def kind(request):
    """Each claim over both wires."""
    return request.param


@pytest.fixture(scope="module")
def authority(tmp_path_factory) -> Authority:
    """A certificate authority of our own."""
    return Authority(tmp_path_factory.mktemp("authority"))


async def refusal(wire) -> Exception:
    """Ask, and return what the wire raised."""
    try:
        async with asyncio.timeout(10):
            await wire.request("GET", "/b/k", [("host", wire.host)])
    except (Refusal, Unreachable) as error:
        return error
    finally:
        await wire.close()
    raise AssertionError("was answered")


CASES = {
    "expired": ({"days": (-9, -1)}, "has expired"),
    "not yet valid": ({"days": (1, 9)}, "is not valid yet"),
    "another host's": ({"host": "example.org"}, "is for another host"),
    "a stranger's": ({}, "comes from an authority that is not trusted here"),
    "self-signed": ({"self_signed": True}, "is self-signed"),
}


@pytest.mark.parametrize("case", CASES)
async def test_a_certificate_that_is_not_in_order_is_refused_and_named(kind, authority, tmp_path, case):
    """N15: expired, too young, another host's, a stranger's, self-signed: no request is sent, and the message says which it is."""
    made, words = CASES[case]
    ca_file = Authority(tmp_path, "a stranger").file if case == "a stranger's" else authority.file
    async with Peer(OK, tls=authority.server(**made)) as peer:
        error = await refusal(kind(peer.url, ca_file=ca_file))
    assert isinstance(error, Untrusted)
    assert f"certificate that is not accepted: it {words}" in str(error)
    assert peer.requests == []


async def test_a_certificate_in_order_is_taken(kind, authority):
    """N15, control: the same peer with a certificate in order is talked to."""
    async with Peer(OK, tls=authority.server()) as peer:
        wire = kind(peer.url, ca_file=authority.file)
        assert (await wire.request("GET", "/b/k", [("host", wire.host)])).status == 200
        await wire.close()


async def test_an_authority_of_the_system_is_not_enough_for_an_unknown_one(kind, authority):
    """N15: without a `ca_file` the system's authorities count, and ours is none of them."""
    async with Peer(OK, tls=authority.server()) as peer:
        assert isinstance(await refusal(kind(peer.url)), Untrusted)
    assert peer.requests == []


@contextmanager
def old_server(authority: Authority) -> Iterator[str]:
    """Run a server that can do TLS 1.1 at most, and says so by an alert as servers do."""
    context = authority.server()
    context.set_ciphers("DEFAULT:@SECLEVEL=0")
    context.minimum_version, context.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1

    def serve(listening: socket.socket) -> None:
        with listening.accept()[0] as accepted:
            accepted.settimeout(10)
            with pytest.raises(ssl.SSLError):
                context.wrap_socket(accepted, server_side=True)

    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(10)
        thread = threading.Thread(target=serve, args=(listening,))
        thread.start()
        try:
            yield f"https://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            thread.join()


async def test_an_old_tls_is_refused(kind, authority):
    """N15: a server that can do TLS 1.1 at most is not talked to, and the message says that this is why."""
    with old_server(authority) as url:
        error = await refusal(kind(url, ca_file=authority.file))
    assert isinstance(error, Untrusted)
    assert "no TLS 1.2 or newer" in str(error)


async def test_a_server_that_drops_the_handshake_without_a_word_is_unreachable(kind, authority):
    """N15: where nothing says why, the message asks the right question."""
    old = authority.server()
    old.set_ciphers("DEFAULT:@SECLEVEL=0")
    old.minimum_version, old.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
    async with Peer(OK, tls=old) as peer:
        error = await refusal(kind(peer.url, ca_file=authority.file))
    assert isinstance(error, Unreachable)
    assert "does it speak TLS 1.2 or newer?" in str(error)
    assert peer.requests == []


async def test_a_server_that_speaks_no_tls_is_named_as_one(kind, authority):
    """N15: https to a server of plain http says that this is it."""

    async def plain(visit: Visit) -> None:
        visit.writer.write(OK)
        await asyncio.Event().wait()

    async with Peer(by_hand=plain) as peer:
        error = await refusal(kind(peer.url.replace("http:", "https:"), ca_file=authority.file))
    assert isinstance(error, Untrusted)
    assert "does not speak TLS" in str(error)


async def test_a_handshake_that_never_ends_is_given_up(kind, authority):
    """N15: a server that takes the connection and says nothing is given up after `connect_timeout_s`."""

    async def mute(visit: Visit) -> None:
        await asyncio.Event().wait()

    async with Peer(by_hand=mute) as peer:
        error = await refusal(kind(peer.url.replace("http:", "https:"), ca_file=authority.file, connect_timeout_s=0.2))
    assert isinstance(error, Unreachable)


async def test_the_name_is_looked_up_anew_and_every_address_tried(kind):
    """N14: a name that leads to nobody is `Unreachable` and says so; one of whose addresses nobody answers leads to the other."""
    error = await refusal(kind("http://nowhere.invalid"))
    assert isinstance(error, Unreachable)
    async with Peer(OK) as peer:  # on 127.0.0.1 alone; `localhost` may be ::1 first
        wire = kind(f"http://localhost:{peer.port}")
        assert (await wire.request("GET", "/b/k", [("host", wire.host)])).status == 200
        await wire.close()


ASKS = """
import asyncio, sys
from connectors.private_process import leave_nothing_behind
leave_nothing_behind()
from pathlib import Path
from connectors.s3.control import Control
from connectors.wire import LeanWire, LibraryWire
from relocation.rules.errors import Untrusted
from botocore.exceptions import SSLError

async def main(url, ca_file):
    for kind in (LeanWire, LibraryWire):
        for authority, expected in ((None, "refused"), (Path(ca_file), "answered")):
            wire = kind(url, ca_file=authority)
            try:
                await wire.request("GET", "/b/k", [("host", wire.host)])
                said = "answered"
            except Untrusted:
                said = "refused"
            await wire.close()
            print(kind.__name__, said == expected)

asyncio.run(main(*sys.argv[1:]))
control = Control(sys.argv[1], access_key="a", secret_key="b", region="us-east-1")
try:
    control.set_versioning("b", "Enabled")
except SSLError:
    print("Control", True)
control.close()
"""


async def test_no_variable_of_the_environment_changes_whom_we_trust(authority, tmp_path):
    """N15: in a process of its own, with every variable known to bend TLS or to bring in a proxy, an unknown authority stays
    refused, a `ca_file` still works, and no keys of a session are written."""
    keys, settings = tmp_path / "keys", tmp_path / "openssl.cnf"
    settings.write_text(
        "openssl_conf = a\n[a]\nssl_conf = b\n[b]\nsystem_default = c\n[c]\nMinProtocol = TLSv1\nVerifyMode = None\n"
    )
    bent = dict.fromkeys(("SSL_CERT_FILE", "AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"), str(authority.file))
    bent |= {"PYTHONHTTPSVERIFY": "0", "SSLKEYLOGFILE": str(keys), "SSL_CERT_DIR": str(authority.file.parent)}
    bent |= dict.fromkeys(("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "ALL_PROXY", "all_proxy"), "http://127.0.0.1:9")
    async with Peer(OK, tls=authority.server()) as peer:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", ASKS, peer.url, str(authority.file)),
            env={**os.environ, **bent, "OPENSSL_CONF": str(settings), "NO_PROXY": ""},
            cwd=Path(__file__).parents[2],
            stdout=asyncio.subprocess.PIPE,
        )
        out, _ = await asyncio.wait_for(process.communicate(), 60)
    assert out.decode().splitlines() == ["LeanWire True"] * 2 + ["LibraryWire True"] * 2 + ["Control True"]
    assert len(peer.requests) == 2
    assert not keys.exists()


def test_control_the_trick_works_on_pythons_own_defaults(authority, monkeypatch):
    """N15, control: Python's own way of loading authorities obeys SSL_CERT_FILE; ours does not."""
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
    monkeypatch.setenv("SSL_CERT_DIR", "/nonexistent")
    bent = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    bent.load_default_certs()
    assert [each["subject"] for each in bent.get_ca_certs()] == [((("commonName", "test authority"),),)]
    ours = tls_context(None)
    assert "test authority" not in str(ours.get_ca_certs())
    assert ours.verify_mode is ssl.CERT_REQUIRED
    assert ours.check_hostname
    assert ours.minimum_version is ssl.TLSVersion.TLSv1_2
