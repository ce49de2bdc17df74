"""Measures what others and skyscan make of tasks that take no time, 1 ms and 100 ms, by two workers of one slot each.

Time is from the first task handed out to the last result in hand, once the workers are there. Processor time is that of all
processes on both sides, broker and schedulers among them, in that time.
"""

import asyncio
import contextlib
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path

import psutil

import tasks

HERE = Path(__file__).parent
PROGRAMS = HERE.parent.parent / "target/release"
PROGRAM, NODE = PROGRAMS / "skyscan", PROGRAMS / "skyscan-rabbitmq-node"
# Seconds of work, and how many tasks of the kind.
KINDS = [(0.0, 5000), (0.001, 5000), (0.1, 200)]
N_WORKERS = 2


def processor_s():
    """Of this process and all below it."""
    me = psutil.Process()
    total = 0.0
    for process in [me, *me.children(recursive=True)]:
        with contextlib.suppress(psutil.NoSuchProcess):
            times = process.cpu_times()
            total += times.user + times.system
    return total


def measured(run):
    """Tasks a second, and microseconds of processor time a task, for each kind."""
    run(0.0, 100)
    rows = []
    for seconds, n in KINDS:
        processor, clock = processor_s(), time.monotonic()
        run(seconds, n)
        took = time.monotonic() - clock
        rows.append((n / took, 1e6 * (processor_s() - processor) / n))
    return rows


@contextlib.contextmanager
def broker():
    """A RabbitMQ node of its own."""
    node = subprocess.Popen([NODE], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        yield node.stdout.readline().strip()
    finally:
        node.stdin.close()
        node.wait()


def ended(process):
    for below in psutil.Process(process.pid).children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):
            below.kill()
    process.kill()
    process.wait()


def dask():
    from distributed import Client

    with Client(n_workers=N_WORKERS, threads_per_worker=1, dashboard_address=None) as client:
        return measured(lambda seconds, n: client.gather(client.map(tasks.work, [seconds] * n, pure=False)))


def ray():
    import ray

    ray.init(num_cpus=N_WORKERS, include_dashboard=False, log_to_driver=False, logging_level="error")
    remote = ray.remote(tasks.work)
    try:
        return measured(lambda seconds, n: ray.get([remote.remote(seconds) for _ in range(n)]))
    finally:
        ray.shutdown()


def celery():
    from celery import group

    with broker() as url:
        os.environ["CELERY_BROKER_URL"] = url
        app, work = tasks.celery_app(url)
        command = [sys.executable, "-m", "celery", "-A", "tasks", "worker", "-c", str(N_WORKERS), "-l", "ERROR"]
        worker = subprocess.Popen(command, cwd=HERE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            return measured(lambda seconds, n: group(work.s(seconds) for _ in range(n))().get())
        finally:
            app.close()
            ended(worker)


def mqclient():
    async def run(url, seconds, n):
        work, results = tasks.mqclient_queue(url, "tasks"), tasks.mqclient_queue(url, "results")
        results.timeout = 60

        async def send():
            async with work.open_pub() as out:
                for _ in range(n):
                    await out.send((seconds, tasks.BODY))

        async def receive():
            n_left = n
            async with results.open_sub() as come:
                async for _ in come:
                    n_left -= 1
                    if not n_left:
                        break

        await asyncio.gather(send(), receive())

    with broker() as url:
        # It names the virtual host without its slash, and takes no scheme.
        url = url.removeprefix("amqp://").removesuffix("/%2f")
        environment = dict(os.environ, PEERS_BROKER=url)
        command = [sys.executable, str(HERE / "tasks.py")]
        workers = [subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL) for _ in range(N_WORKERS)]
        try:
            return measured(lambda seconds, n: asyncio.run(run(url, seconds, n)))
        finally:
            for worker in workers:
                ended(worker)


def skyscan(variant):
    """Its real Scanner, transport and fleet; only the work in a task is a timer. Processor time is that of so many more tasks."""

    def replayed(folder, seconds, n):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        changes = [f"workload.pixels={n}", f"workload.service.mean_s={seconds}", f"transport.kind=\"{variant}\""]
        options = [option for change in changes for option in ("--set", change)]
        command = [PROGRAM, "replay", HERE / "skyscan.toml", *options, "--out", folder]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        report = json.loads(next(Path(folder).glob("*/report.json")).read_text())
        processor = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        return report["points"][0]["mean"]["throughput_per_s"]["mean"], processor

    rows = []
    for seconds, n in KINDS:
        if not seconds:
            n *= 8
        with tempfile.TemporaryDirectory() as few, tempfile.TemporaryDirectory() as more:
            (_, few_s), (rate, more_s) = replayed(few, seconds, n), replayed(more, seconds, 3 * n)
        rows.append((rate, 1e6 * (more_s - few_s) / (2 * n)))
    return rows


SYSTEMS = {
    "skyscan-zeromq": ("skyscan, ZeroMQ", lambda: skyscan("zeromq"), None),
    "skyscan-rabbitmq": ("skyscan, RabbitMQ", lambda: skyscan("rabbitmq"), None),
    "dask": ("Dask", dask, "distributed"),
    "ray": ("Ray", ray, "ray"),
    "celery": ("Celery, RabbitMQ", celery, "celery"),
    "mqclient": ("oms-mqclient, RabbitMQ", mqclient, "oms-mqclient"),
}


def main():
    asked = sys.argv[1:] or list(SYSTEMS)
    unknown = [name for name in asked if name not in SYSTEMS]
    if unknown:
        sys.exit(f"{', '.join(unknown)}: there are {', '.join(SYSTEMS)}")
    names = ["no work", "1 ms", "100 ms"]
    columns = [f"{name}: tasks/s | CPU us/task" for name in names]
    print("| | version |", " | ".join(columns), "|")
    print("|---|---|" + "---|---|" * len(names))
    for name in asked:
        shown, run, package = SYSTEMS[name]
        rows = [f"{rate:,.0f} | {micros:,.0f}" for rate, micros in run()]
        print(f"| {shown} | {version(package) if package else ''} |", " | ".join(rows), "|", flush=True)
    print(f"\nload average {os.getloadavg()[0]:.1f}, {os.cpu_count()} cores")


if __name__ == "__main__":
    main()
