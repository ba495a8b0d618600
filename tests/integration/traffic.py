# SPDX-License-Identifier: MIT
"""Tunnels at work: servers, routers and resolvers on sockets, and the counts they must give."""

import collections
import contextlib
import select
import socket
import threading

import dnstt


class Tally:
    """What an exporter has to count for the queries and responses that were told here."""

    def __init__(self, server=None):
        self.server = server or dnstt.Server()
        self.queries = self.bytes_in = self.bytes_out = 0
        self.ids = set()
        self.responses = collections.Counter()
        self.rejected = collections.Counter()

    def query(self, message):
        verdict, _, client_id = self.server.judge(message)
        if client_id is None:
            self.rejected[verdict] += 1
        else:
            self.queries += 1
            self.bytes_in += len(message)
            self.ids.add(client_id)

    def response(self, query, response):
        self.responses[{0: "NOERROR", 1: "FORMERR", 3: "NXDOMAIN", 4: "NOTIMP"}[
            dnstt.rcode(response)]] += 1
        if self.server.judge(query)[2] is not None:
            self.bytes_out += len(response)

    def counts(self, **more):
        """In the shape that Exporter.expect() takes."""
        return {
            "queries": self.queries,
            "bytes_in": self.bytes_in,
            "bytes_out": self.bytes_out,
            "sessions": len(self.ids),
            "active": len(self.ids),
            "responses": dict(self.responses),
            "rejected": dict(self.rejected),
            **more,
        }


class Loop:
    """A thread that serves UDP sockets; one function per socket takes (message, source)."""

    def __init__(self, test, handlers):
        self._handlers = handlers
        self._stop, self._stopped = socket.socketpair()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()
        test.addCleanup(self.close)

    def _serve(self):
        while True:
            readable = select.select([self._stopped, *self._handlers], [], [])[0]
            if self._stopped in readable:
                return
            for udp in readable:
                # A port that closed meanwhile shows as an error of the socket: not our concern.
                with contextlib.suppress(OSError):
                    self._handlers[udp](*udp.recvfrom(65535))

    def close(self):
        self._stop.close()
        self._thread.join()
        self._stopped.close()
        for udp in self._handlers:
            udp.close()


def serve(test, *sockets, server=None):
    """dnstt-server on these sockets."""
    server = server or dnstt.Server()

    def answer(udp):
        def handle(message, source):
            response = server.answer(message)
            if response is not None:
                udp.sendto(response, source)

        return handle

    return Loop(test, {udp: answer(udp) for udp in sockets})


def route(test, outer, inner, target):
    """A DNS router in user space: outer's queries go to target from inner, by DNS ID and back."""
    waiting = {}

    def ask(message, source):
        waiting[message[:2]] = source
        inner.sendto(message, target)

    def answer(message, _source):
        outer.sendto(message, waiting.pop(message[:2]))

    return Loop(test, {outer: ask, inner: answer})


def talk(resolver, server, clients=3, queries=6, tally=None, **options):
    """Clients behind one resolver, each query answered before the next; the tally of it all.

    Some queries come the way of a minimising resolver. An answer that does not come is an error.
    """
    tally = tally or Tally()
    for client in [dnstt.Client(**options) for _ in range(clients)]:
        for turn in range(queries):
            if turn == 0:
                messages = client.minimised_data(b"hello, " * 14)
            else:
                messages = [client.data(b"more") if turn % 2 else client.poll()]
            for message in messages:
                resolver.sendto(message, server)
                response = resolver.recv(65535)
                tally.query(message)
                tally.response(message, response)
    return tally
