"""Calls the fixtures as a program does that is written with the Python SDK of MCP.

    client.py REVISION http URL [TOKEN]
    client.py REVISION stdio PROGRAM ARGUMENT...

Prints one line for each claim, `PASS claim` or `FAIL claim: why`, and `END` when all were looked at.
"""

import asyncio
import sys

import httpx2
from mcp import Client, MCPError, StdioServerParameters, types
from mcp.client.streamable_http import streamable_http_client

# Seconds for anything that has to happen; the suite around this gives it minutes.
PATIENCE = 20


async def fill_in(_context, params):
    """Answers whatever is asked, by its type."""
    members = params.requested_schema["properties"]
    said = {name: True if it["type"] == "boolean" else "Ada" for name, it in members.items()}
    return types.ElicitResult(action="accept", content=said)


class Claims:
    """What is claimed of a server, looked at one by one."""

    def __init__(self, client, revision, news):
        self.client = client
        self.revision = revision
        self.news = news
        self.is_modern = revision >= "2026"

    async def look(self):
        for claim, check in [
            ("speaks the revision", self.revision_is_spoken),
            ("lists the tools", self.tools_are_listed),
            ("calls a tool", self.tool_answers),
            ("gets content of each form", self.content_comes),
            ("hears how far it is", self.progress_is_heard),
            ("reads why a tool failed", self.failure_is_read),
            ("reads which arguments do not fit", self.misfit_is_read),
            ("is told that there is no such tool", self.unknown_tool_is_refused),
            ("is asked before a tool answers", self.person_is_asked),
            ("hears that there are other tools", self.news_is_heard),
            ("cancels a call and goes on", self.call_is_cancelled),
        ]:
            try:
                async with asyncio.timeout(PATIENCE):
                    await check()
                print(f"PASS {claim}", flush=True)
            except Exception as error:
                print(f"FAIL {claim}: {type(error).__name__}: {error}".replace("\n", " "), flush=True)
        print("END", flush=True)

    async def text_of(self, name, arguments=None):
        result = await self.client.call_tool(name, arguments or {})
        return result.is_error, result.content[0].text

    async def revision_is_spoken(self):
        equal(self.client.protocol_version, self.revision)

    async def tools_are_listed(self):
        tools = {tool.name: tool for tool in (await self.client.list_tools()).tools}
        equal(list(tools), sorted(tools))
        equal(tools["greet"].input_schema["required"], ["name"])

    async def tool_answers(self):
        equal(await self.text_of("greet", {"name": "Ada ☂"}), (False, "Hello, Ada ☂!"))

    async def content_comes(self):
        result = await self.client.call_tool("test_multiple_content_types", {})
        equal([piece.type for piece in result.content], ["text", "image", "resource"])

    async def progress_is_heard(self):
        heard = []

        async def hear(done, total, _note):
            heard.append((done, total))

        await self.client.call_tool("test_tool_with_progress", {}, progress_callback=hear)
        equal(heard, [(0, 100), (50, 100), (100, 100)])

    async def failure_is_read(self):
        failed, text = await self.text_of("test_error_handling")
        equal((failed, "intentionally returns an error" in text), (True, True))

    async def misfit_is_read(self):
        failed, text = await self.text_of("greet", {"nome": "Ada"})
        equal((failed, "`name`" in text, "`nome`" in text), (True, True, True), text)

    async def unknown_tool_is_refused(self):
        try:
            await self.client.call_tool("there_is_none", {})
        except MCPError as error:
            return equal(error.error.code, types.INVALID_PARAMS)
        raise AssertionError("it was called")

    async def person_is_asked(self):
        name = "test_input_required_result_multi_round" if self.is_modern else "test_elicitation"
        arguments = {} if self.is_modern else {"message": "Who are you?"}
        failed, text = await self.text_of(name, arguments)
        equal((failed, "Ada" in text), (False, True), text)

    async def news_is_heard(self):
        trigger = self.client.call_tool("test_trigger_tool_change", {})
        if not self.is_modern:
            await trigger
            return await self.news.wait()
        async with self.client.listen(tools_list_changed=True) as subscription:
            await trigger
            async for _event in subscription:
                return None
        raise AssertionError("the subscription ended")

    async def call_is_cancelled(self):
        began = asyncio.Event()

        async def hear(*_progress):
            began.set()

        call = asyncio.create_task(
            self.client.call_tool("test_waiting", {}, progress_callback=hear)
        )
        await began.wait()
        call.cancel()
        try:
            await call
        except asyncio.CancelledError:
            pass
        await self.tool_answers()


def equal(got, wanted, what=""):
    if got != wanted:
        raise AssertionError(f"wanted {wanted}, got {got} {what}")


def server(kind, rest):
    if kind == "stdio":
        return StdioServerParameters(command=rest[0], args=rest[1:])
    url, token = (rest + [""])[:2]
    if not token:
        return url
    headers = {"Authorization": f"Bearer {token}"}
    return streamable_http_client(url, http_client=httpx2.AsyncClient(headers=headers, timeout=60))


async def main(revision, kind, *rest):
    news = asyncio.Event()

    async def hear(message):
        if isinstance(message, types.ToolListChangedNotification):
            news.set()

    mode = "auto" if revision >= "2026" else "legacy"
    client = Client(
        server(kind, list(rest)), mode=mode, elicitation_callback=fill_in, message_handler=hear
    )
    async with client:
        await Claims(client, revision, news).look()


asyncio.run(main(*sys.argv[1:]))
