"""The modules that talk to the host, against the fakes."""

from __future__ import annotations

import unittest
from dataclasses import dataclass

from ax import (
    Error,
    ErrorKind,
    _fake,
    _wire,
    config,
    failed,
    http,
    kv,
    log,
    secrets,
    task,
    testing,
)

from . import plugins


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

    def test_while_a_plugin_is_built_there_is_no_host(self) -> None:
        self.addCleanup(setattr, _fake, "is_absent", False)
        _fake.is_absent = True
        lines = {"log": 'log.info("x")', "kv": 'kv.get("a")', "config": "config.all()"}
        for part, line in lines.items():
            with self.subTest(part):
                report = plugins.refused(f"from ax import {part}\n\n{line}\n")
                self.assertEqual(report.place, "tools.py:3")
                why = f"`ax.{part}` is used while the plugin is built, where there is no host"
                self.assertEqual((report.message, report.help), (why, "use it in a tool"))

    def test_what_goes_out_has_no_halves_of_characters(self) -> None:
        self.assertEqual(_wire.text("a\ud83d"), "a\ufffd")
        self.assertEqual(_wire.document({"a\ud83d": "\U0001f389"}), '{"a\ufffd": "\U0001f389"}')

    def test_an_error_whose_data_are_no_json_is_told_without_them(self) -> None:
        loop: dict[str, object] = {}
        loop["self"] = loop
        self.assertEqual(_wire.data_of(failed("it", data={"a": 1})), ('{"a": 1}', ""))
        for data in (loop, {"a": float("nan")}, {"a": b""}):
            told, trouble = _wire.data_of(failed("it", data=data))
            self.assertIsNone(told)
            self.assertTrue(trouble.startswith(" (the data of this error are no JSON: "), trouble)
