"""Logins from Python: a coordinator that speaks TLS and asks who comes, in one process."""

import os
import tempfile
import threading
import unittest

from support import MachineTest, wait_for

import p2c2r
from p2c2r import Credentials, Status


class LoginTest(MachineTest):
    def setUp(self):
        super().setUp()
        folder = tempfile.TemporaryDirectory(prefix="p2c2r-login-")
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        key = self.new_key("server", certificate_file=self.path("certificate.pem"))
        self.pin = key["pin"]
        self.guarded = p2c2r.Coordinator(
            self.runtime,
            listen_port=p2c2r.ANY,
            task_timeout_ms=60_000,
            certificate_file=self.path("certificate.pem"),
            key_file=self.path("server"),
            access_file=self.path("access.json"),
            audit_file=self.path("audit.log"),
        ).start()
        self.url = f"p2c2r://127.0.0.1:{self.guarded.port}"

    def path(self, name):
        return os.path.join(self.folder, name)

    def new_key(self, file, **more):
        return self.runtime.call("keys.new", {"file": self.path(file), **more}).fields

    def ask(self, call, /, **arguments):
        return self.guarded.call(call, arguments).fields

    def client(self, **credentials):
        return p2c2r.Client(
            self.runtime, coordinator_url=self.url, credentials=Credentials(**credentials)
        )

    def test_a_key_a_token_and_an_invitation_let_in(self):
        key = self.new_key("gamer")
        self.ask("key.add", name="gamer", key=key["public_key"], roles="gamer", circle="own")
        token = self.ask("key.token", name="script", roles="gamer", circle="own")["token"]
        secret = self.ask("key.invite", roles="peer", circle="own")["secret"]
        self.new_key("helper")
        joined = threading.Event()
        peer = p2c2r.Peer(
            self.runtime,
            coordinator_url=self.url,
            peer_id="helper",
            credentials=Credentials(
                server_pin=self.pin, identity_file=self.path("helper"), invite=secret
            ),
            deliver=p2c2r.Deliver.ON_LOOP,
            event=lambda event: joined.set() if event.status == Status.OK else None,
        ).start()
        wait_for(joined)
        for shown in (
            {"identity_file": self.path("gamer")},
            {"token": token},
            {"token": bytes.fromhex(token)},
        ):
            with self.client(server_pin=bytes.fromhex(self.pin), **shown).connect() as client:
                answer = client.submit_and_wait("echo", b"hello", place=p2c2r.Place.REMOTE)
                self.assertEqual(bytes(answer.data), b"hello")
        names = [account["name"] for account in self.ask("key.list")["accounts"]]
        self.assertEqual(sorted(names), ["gamer", "helper", "script"])
        peer.close()

    def test_who_shows_nothing_or_believes_another_is_not_connected(self):
        refused = self.assertFails(Status.E_AUTH, self.client(server_pin=self.pin).connect)
        self.assertIn("neither a key nor a token", refused.text)
        token = self.ask("key.token", name="script", roles="gamer")["token"]
        other = self.client(server_pin="00" * 31 + "01", token=token)
        refused = self.assertFails(Status.E_AUTH, other.connect)
        self.assertIn("is not the one that is expected", refused.text)
        with self.assertRaises(p2c2r.Error):
            p2c2r.Client(self.runtime, coordinator_url=self.url)  # nobody to believe

    def test_a_revoked_token_is_told_so(self):
        token = self.ask("key.token", name="script", roles="gamer")["token"]
        client = self.client(server_pin=self.pin, token=token).connect()
        self.ask("key.revoke", name="script")
        with self.assertRaises(p2c2r.Error):
            client.submit_and_wait("echo", b"x", place=p2c2r.Place.REMOTE)
        refused = self.assertFails(
            Status.E_AUTH, self.client(server_pin=self.pin, token=token).connect
        )
        self.assertIn("revoked", refused.text)

    def test_secrets_have_their_size_and_are_not_shown(self):
        for wrong in ({"token": b"short"}, {"server_pin": "12"}, {"invite": "no hexadecimal"}):
            with self.assertRaises(ValueError):
                self.client(**wrong)
        shown = repr(Credentials(server_pin=self.pin, token="5e" * 32, invite=b"5" * 16))
        self.assertIn(self.pin, shown)
        self.assertNotIn("5e5e", shown)
        self.assertNotIn("5555", shown)


if __name__ == "__main__":
    unittest.main()
