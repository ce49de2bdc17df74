"""The task, as each of the others wants to have it."""

import asyncio
import os
import time

BODY = "x" * 200


def work(seconds, body=BODY):
    """Takes so long, and has a result as large as the task."""
    if seconds > 0:
        time.sleep(seconds)
    return body


def celery_app(broker):
    from celery import Celery

    app = Celery("tasks", broker=broker, backend="rpc://")
    app.conf.update(worker_prefetch_multiplier=4, result_expires=None)
    return app, app.task(name="work")(work)


if "CELERY_BROKER_URL" in os.environ:
    app, celery_work = celery_app(os.environ["CELERY_BROKER_URL"])


def mqclient_queue(broker, name):
    from mqclient.queue import Queue

    return Queue("rabbitmq", address=broker, name=name, prefetch=4, timeout=5)


async def mqclient_worker(broker):
    tasks, results = mqclient_queue(broker, "tasks"), mqclient_queue(broker, "results")
    tasks.timeout = 60
    async with results.open_pub() as out, tasks.open_sub() as come:
        async for seconds, body in come:
            await out.send(work(seconds, body))


if __name__ == "__main__":
    asyncio.run(mqclient_worker(os.environ["PEERS_BROKER"]))
