"""Drives Celery for peerbench: the task, and the callers that send it."""

import argparse
import json
import mmap
import os
import threading
import time

from celery import Celery

PROCESSES = 16
RING = 8192
BLOCK = 1 + RING  # a count, and the latest latencies in ns


def board():
    """The counts of the worker's processes, which the callers and peerbench read."""
    with open(os.environ["BENCH_BOARD"], "r+b") as f:
        return memoryview(mmap.mmap(f.fileno(), 0)).cast("q")


app = Celery("celerybench", broker=os.environ["BENCH_BROKER"])
app.conf.task_acks_late = True
app.conf.worker_prefetch_multiplier = 64
app.conf.task_ignore_result = True
app.conf.broker_pool_limit = 64
app.conf.broker_connection_retry_on_startup = True

counts = None


@app.task(name="bench.code")
def code(message):
    global counts, base
    if counts is None:
        from billiard import current_process

        counts = board()
        base = BLOCK * (getattr(current_process(), "index", 0) % PROCESSES)
    n = counts[base]
    counts[base + 1 + n % RING] = time.time_ns() - message["stamp"]
    counts[base] = n + 1


def message(size):
    m = {"stamp": time.time_ns(), "to": "+8613800138000", "locale": "zh-CN", "text": ""}
    m["text"] = "x" * (size - len(json.dumps(m, separators=(",", ":"))))
    return m


def fill(args):
    with app.producer_pool.acquire(block=True) as producer:
        for _ in range(args.count):
            code.apply_async((message(args.size),), producer=producer)
    return {"ops": args.count}


def produce(args):
    handled = board()
    start = time.monotonic()
    begin, end = start + args.warmup, start + args.warmup + args.duration
    sent = [0] * args.callers
    latencies = [[] for _ in range(args.callers)]

    def done():
        return sum(handled[BLOCK * i] for i in range(PROCESSES))

    before = done()

    def call(i):
        while time.monotonic() < end:
            while args.window and sum(sent) - (done() - before) >= args.window:
                time.sleep(0.0002)
                if time.monotonic() >= end:
                    return
            began = time.monotonic()
            code.delay(message(args.size))
            sent[i] += 1
            now = time.monotonic()
            if began >= begin:
                latencies[i].append(int((now - began) * 1e9))
            if args.pause:
                while sum(sent) > done() - before and time.monotonic() < end + 30:
                    time.sleep(0.0002)
                time.sleep(args.pause)

    threads = [threading.Thread(target=call, args=(i,)) for i in range(args.callers)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    return {
        "ops": sum(len(one) for one in latencies),
        "total": sum(sent),
        "elapsed": time.monotonic() - begin,
        "latencies": [ns for one in latencies for ns in one],
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("act", choices=["fill", "produce"])
    parser.add_argument("--size", type=int, required=True)
    parser.add_argument("--count", type=int, default=0)
    parser.add_argument("--callers", type=int, default=1)
    parser.add_argument("--duration", type=float, default=1)
    parser.add_argument("--warmup", type=float, default=0)
    parser.add_argument("--window", type=int, default=0)
    parser.add_argument("--pause", type=float, default=0)
    arguments = parser.parse_args()
    print(json.dumps({"fill": fill, "produce": produce}[arguments.act](arguments)))
