#!/usr/bin/env python3
"""The way to another zone: carries connections to HOST:PORT, everything so much later in each direction.

    latency.py LISTEN HOST:PORT MILLISECONDS        (LISTEN: a port of every interface)

What is on its way does not hold up what comes after it, as in a long cable.
"""

import asyncio
import contextlib
import socket
import struct
import sys

# Read at once.
PIECE = 64 * 1024
# No way is longer: to the Moon and back it is 2.6 s.
MOST_S = 60
# On its way at once, in each direction of a connection; then whoever sends has to wait.
MOST_PIECES = 1024


async def carry(reader, writer, delay_s):
    clock = asyncio.get_running_loop().time
    on_the_way = asyncio.Queue(MOST_PIECES)

    async def depart():
        while True:
            piece = await reader.read(PIECE)
            await on_the_way.put((clock() + delay_s, piece))
            if not piece:
                return

    async def arrive():
        while True:
            due, piece = await on_the_way.get()
            await asyncio.sleep(due - clock())
            if not piece:
                writer.write_eof()
                return
            writer.write(piece)
            await writer.drain()

    await asyncio.gather(depart(), arrive())


def reset(writer):
    """Breaks a connection, so that who is at its end hears no ordinary end."""
    at_once = struct.pack("ii", 1, 0)
    with contextlib.suppress(OSError):  # It may be closed already.
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, at_once)
    writer.transport.abort()


async def between(near, far, delay_s):
    """Carries both ways until both have ended; where one breaks, both do, at once."""
    (reader, writer), (far_reader, far_writer) = near, far
    try:
        async with asyncio.TaskGroup() as both:
            both.create_task(carry(reader, far_writer, delay_s))
            both.create_task(carry(far_reader, writer, delay_s))
    except* OSError:
        reset(writer)
        reset(far_writer)
    writer.close()
    far_writer.close()


async def serve(port, host, host_port, delay_s):
    async def connected(reader, writer):
        try:
            far = await asyncio.open_connection(host, host_port)
        except OSError as error:
            print(f"{host}:{host_port}: {error}", file=sys.stderr, flush=True)
            reset(writer)
            return
        await between((reader, writer), far, delay_s)

    server = await asyncio.start_server(connected, None, port, backlog=1024)
    await server.serve_forever()


def arguments():
    port, there, milliseconds = sys.argv[1:]
    host, _, host_port = there.rpartition(":")
    port, host_port, delay_s = int(port), int(host_port), float(milliseconds) / 1000
    if not host or not all(0 < number < 65536 for number in (port, host_port)):
        raise ValueError("no port, or no host")
    if not 0 <= delay_s <= MOST_S:
        raise ValueError("no time")
    return port, host, host_port, delay_s


def main():
    try:
        found = arguments()
    except ValueError as error:
        sys.exit(f"{error}\n{__doc__}")
    try:
        asyncio.run(serve(*found))
    except KeyboardInterrupt:
        pass


if __name__ == "__main__":
    main()
