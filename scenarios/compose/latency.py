#!/usr/bin/env python3
"""The way to another zone: carries connections to HOST:PORT, everything so much later in each direction.

    latency.py LISTEN HOST:PORT MILLISECONDS        (LISTEN: a port of every interface)

What is on its way does not hold up what comes after it, as in a long cable.
"""

import asyncio
import sys

# Read at once.
PIECE = 64 * 1024
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


async def serve(port, host, host_port, delay_s):
    async def connected(reader, writer):
        try:
            far_reader, far_writer = await asyncio.open_connection(host, host_port)
        except OSError as error:
            print(f"{host}:{host_port}: {error}", file=sys.stderr, flush=True)
            writer.close()
            return
        try:
            await asyncio.gather(
                carry(reader, far_writer, delay_s), carry(far_reader, writer, delay_s)
            )
        except OSError:
            pass  # One end has hung up: so does the other.
        finally:
            writer.close()
            far_writer.close()

    server = await asyncio.start_server(connected, None, port, backlog=1024)
    await server.serve_forever()


def main():
    try:
        port, there, milliseconds = sys.argv[1:]
        host, _, host_port = there.rpartition(":")
        arguments = (int(port), host, int(host_port), float(milliseconds) / 1000)
    except ValueError:
        sys.exit(__doc__)
    asyncio.run(serve(*arguments))


if __name__ == "__main__":
    main()
