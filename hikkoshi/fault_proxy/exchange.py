"""One request and its answer on their way through, with the faults that strike them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from hikkoshi.fault_proxy.bodies import Hang, HangUp, pass_body
from hikkoshi.fault_proxy.faults import (
    Action,
    Answer,
    AnswerAfter,
    Blackhole,
    Call,
    Delay,
    Resign,
    SetResponseHeader,
    StripRequestHeader,
    StripResponseHeader,
)
from hikkoshi.fault_proxy.messages import Garbled, MessageHead, pieces
from hikkoshi.fault_proxy.resign import resign

T = TypeVar("T")
LEFTOVER_S = 1.0
"""How long a request body may still be on its way after the server's whole answer, before the connection is given up."""


class Counts(Protocol):
    """Where the exchange writes what it saw."""

    status: int
    request_bytes: int
    response_bytes: int


@dataclass(slots=True)
class Exchange:
    """The two ends of one connection, for one request after the other."""

    client: asyncio.StreamReader
    to_client: asyncio.StreamWriter
    server: asyncio.StreamReader
    to_server: asyncio.StreamWriter

    async def run(self, head: MessageHead, seen: Counts, actions: Sequence[Action]) -> bool:
        """Pass one request and its answer, faults applied; false if the connection is over."""
        framing = head.copy()  # where the body ends is the client's word, whatever is edited in the head
        instead = await self._before(head, seen, actions)
        body = pieces(self.client, framing, until_close=False)
        upload = asyncio.create_task(self._upload(head, body, seen, actions))
        answer = asyncio.create_task(self._answer(head, seen, actions, instead))
        try:
            await asyncio.wait({upload, answer}, return_when=asyncio.FIRST_EXCEPTION)
            if not answer.done():
                await upload  # it failed: that ends the exchange
            goes_on = await answer
            if not upload.done():
                await asyncio.wait({upload}, timeout=LEFTOVER_S)
            return goes_on and upload.done() and upload.exception() is None
        finally:
            await end_task(answer)
            await end_task(upload)

    async def _before(self, head: MessageHead, seen: Counts, actions: Sequence[Action]) -> AnswerAfter | None:
        """Do what happens before anything is forwarded; return an answer to be given in place of the server's, if any."""
        instead = None
        for action in actions:
            match action:
                case Delay(seconds):
                    await asyncio.sleep(seconds)
                case Call(do):
                    await do()
                case Blackhole():
                    raise Hang
                case Answer():
                    await self._swallow(head, seen)
                    await self._say(action, head, seen)
                    raise HangUp(reset=False)
                case AnswerAfter():
                    instead = action
                case StripRequestHeader(name):
                    head.drop(name)
                case Resign():
                    resign(head, action)
                case _:
                    pass
        return instead

    async def _swallow(self, head: MessageHead, seen: Counts) -> None:
        if "100-continue" in head.get("expect").lower():
            return  # the client waits for a word: the final answer is that word, and no body comes
        async for data, payload in pieces(self.client, head, until_close=False):
            seen.request_bytes += len(data) if payload else 0

    async def _say(self, answer: Answer | AnswerAfter, head: MessageHead, seen: Counts) -> None:
        said = MessageHead(f"HTTP/1.1 {answer.status} Fault\r\n".encode(), [])
        for name, value in (*answer.headers, ("Content-Length", str(len(answer.body))), ("Connection", "close")):
            said.add(name, value)
        body = b"" if head.request_line()[0] == "HEAD" else answer.body
        seen.status, seen.response_bytes = answer.status, len(body)
        self.to_client.write(said.raw() + body)
        await self.to_client.drain()

    async def _upload(
        self, head: MessageHead, body: AsyncIterator[tuple[bytes, bool]], seen: Counts, actions: Sequence[Action]
    ) -> None:
        def count(passed: int) -> None:
            seen.request_bytes = passed

        self.to_server.write(head.raw())
        await pass_body(body, self.to_server, side="request", actions=actions, count=count)

    async def _answer(self, head: MessageHead, seen: Counts, actions: Sequence[Action], instead: AnswerAfter | None) -> bool:
        said = await self._final_head(forward=instead is None)
        bodiless = head.request_line()[0] == "HEAD" or said.status() in {204, 304}
        if instead is not None:
            await self._lose(said, bodiless=bodiless)
            if instead.status:
                await self._say(instead, head, seen)
            raise HangUp(reset=not instead.status)
        seen.status = said.status()
        body, said = pieces(self.server, said, until_close=True), _edited(said, actions)
        framed = bodiless or bool(said.get("content-length") or said.get("transfer-encoding"))
        goes_on = framed and not said.closes() and not head.closes()
        self.to_client.write(said.raw())
        if bodiless:
            await self.to_client.drain()
        else:
            await self._download(body, seen, actions)
        return goes_on

    async def _download(self, body: AsyncIterator[tuple[bytes, bool]], seen: Counts, actions: Sequence[Action]) -> None:
        def count(passed: int) -> None:
            seen.response_bytes = passed

        await pass_body(body, self.to_client, side="response", actions=actions, count=count)

    async def _final_head(self, *, forward: bool) -> MessageHead:
        while True:
            said = await MessageHead.read(self.server)
            if said is None:
                raise Garbled("the server closed without an answer")
            if said.status() >= 200:
                return said
            if forward or said.status() == 100:  # a client that waits for `100 Continue` must get it, or no body would ever come
                self.to_client.write(said.raw())
                await self.to_client.drain()

    async def _lose(self, said: MessageHead, *, bodiless: bool) -> None:
        if not bodiless:
            async for _ in pieces(self.server, said, until_close=True):
                pass


def _edited(said: MessageHead, actions: Sequence[Action]) -> MessageHead:
    said = said.copy()
    for action in actions:
        match action:
            case StripResponseHeader(name):
                said.drop(name)
            case SetResponseHeader(name, value):
                said.drop(name)
                said.add(name, value)
            case _:
                pass
    return said


async def read_request(exchange: Exchange) -> MessageHead | None:
    """Wait for the next request; None if either side closed instead."""
    request = asyncio.create_task(MessageHead.read(exchange.client))
    idle = asyncio.create_task(exchange.server.read(1))
    try:
        await asyncio.wait({request, idle}, return_when=asyncio.FIRST_COMPLETED)
        return await request if request.done() else None
    finally:
        await end_task(request)
        await end_task(idle)


async def end_task(task: asyncio.Task[T]) -> None:
    """See a task to its end, cancelled if need be; its outcome was, or will be, taken elsewhere."""
    task.cancel()
    await asyncio.wait({task})
    if not task.cancelled():
        task.exception()
