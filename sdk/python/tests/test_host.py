"""The modules that talk to the host, against the fakes."""

from __future__ import annotations

import unittest
from dataclasses import dataclass

from ax import Error, ErrorKind, config, http, kv, log, secrets, task, testing


@dataclass
class Note:
    text: str
    times: int = 0


class Host(unittest.TestCase):
    def setUp(self) -> None:
        testing.reset()

    def test_data_are_kept_as_the_host_keeps_them(self) -> None:
        kv.put("a/1", Note("x"))
        kv.put("b", "text")
        self.assertEqual(kv.get("b"), "text")
        self.assertEqual(kv.get("a/1", Note), Note("x"))
        self.assertIsNone(kv.get("c"))
        self.assertEqual(kv.keys("a/"), ["a/1"])
        with self.assertRaises(Error) as refused:
            kv.get("b", int)
        self.assertEqual(refused.exception.kind, ErrorKind.FAILED)
        entry = kv.read("b")
        assert entry is not None
        kv.write([kv.Put("b", b"1", kv.AtVersion(entry.version)), kv.Remove("a/1")])
        self.assertEqual((kv.keys(), kv.usage().keys), (["b"], 1))
        for when in (kv.ABSENT, kv.AtVersion(entry.version)):
            with self.assertRaises(Error) as refused:
                kv.write([kv.Put("b", b"2", when)])
            self.assertEqual(
                (refused.exception.kind, refused.exception.code), (ErrorKind.CONFLICT, "b")
            )
        kv.remove("b")
        kv.remove("b")
        self.assertEqual(kv.keys(), [])

    def test_an_update_is_made_again_when_another_came_in_between(self) -> None:
        came: list[int] = []

        def change(count: int) -> int:
            if not came:
                came.append(1)
                kv.put("n", 10)
            return count + 1

        self.assertEqual(kv.update("n", change, 0), 11)

        def always_late(count: int) -> int:
            kv.put("n", count)
            return count

        with self.assertRaises(Error) as refused:
            kv.update("n", always_late, 0)
        self.assertEqual(refused.exception.kind, ErrorKind.CONFLICT)

    def test_listings_go_on_where_they_ended(self) -> None:
        for number in range(5):
            kv.put(f"k{number}", number)
        first, cursor = kv.scan("k", 2)
        second, _ = kv.scan("k", 2, cursor)
        self.assertEqual([it.key for it in first + second], ["k0", "k1", "k2", "k3"])
        self.assertIsNone(kv.scan("k", 5)[1])

    def test_requests_are_answered_by_a_function(self) -> None:
        def server(request: http.Request) -> http.Response:
            return testing.page(len(request.url) == 21 and 200 or 404, '{"text": "x", "other": 1}')

        testing.http(server)
        answer = http.post("https://example.org/a", json={"n": 1})
        self.assertEqual(answer.ok().json(Note), Note("x"))
        request = testing.sent()[0]
        self.assertEqual(request.headers, {"content-type": "application/json"})
        self.assertEqual((request.method, request.body), ("POST", b'{"n": 1}'))
        for status, kind in [
            (404, ErrorKind.NOT_FOUND),
            (503, ErrorKind.UNAVAILABLE),
            (403, ErrorKind.FAILED),
        ]:
            with self.assertRaises(Error) as refused:
                http.Response(status).ok()
            self.assertEqual((refused.exception.kind, refused.exception.code), (kind, str(status)))
        with self.assertRaises(Error):
            testing.page(200, b"\xff").text()
        testing.reset()
        both = http.send_all([http.Request("GET", "https://example.org/")])
        assert isinstance(both[0], Error)
        self.assertEqual(both[0].kind, ErrorKind.UNAVAILABLE)

    def test_settings_secrets_and_the_call_are_what_a_test_says(self) -> None:
        testing.config("greeting", "Hi")
        testing.secret("token")
        testing.call(task.Info("c1", attempt=2))
        self.assertEqual((config.get("greeting", str), config.get("other")), ("Hi", None))
        self.assertEqual(config.all(), {"greeting": "Hi"})
        with self.assertRaises(Error) as refused:
            config.get("greeting", int)
        self.assertEqual(
            (refused.exception.kind, refused.exception.code), (ErrorKind.INVALID, "greeting")
        )
        self.assertTrue(secrets.is_set("token") and not secrets.is_set("other"))
        self.assertEqual((task.current().id, task.current().attempt), ("c1", 2))
        task.progress(1, 2, "half")
        self.assertEqual(testing.progress(), [(1, 2, "half")])
        self.assertFalse(task.cancelled())
        testing.cancel()
        self.assertTrue(task.cancelled())
        log.warn("odd", count=3)
        self.assertEqual(testing.logged(), [testing.Line("warn", "odd", {"count": "3"})])
        self.assertEqual(testing.logged(), [])
