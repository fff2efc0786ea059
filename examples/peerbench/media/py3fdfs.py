"""One caller of Python's py3Fdfs, as a process: it uploads or downloads for a while and prints what it measured as JSON."""

import json
import random
import sys
import time

from fdfs_client.client import Fdfs_client

host, port, operation, size, warmup, duration = sys.argv[1:7]
size, warmup, duration = int(size), float(warmup), float(duration)
client = Fdfs_client({"host_tuple": (host,), "port": int(port), "timeout": 30, "name": "peerbench"})
content = random.Random(1).randbytes(size)
ids = [line.strip().encode() for line in sys.stdin]
made = []


def upload():
    answer = client.upload_by_buffer(content, "bin")
    made.append(answer["Remote file_id"].decode())


def download():
    answer = client.download_to_buffer(random.choice(ids))
    if len(answer["Content"]) != size:
        raise ValueError("%d bytes" % len(answer["Content"]))


def run(seconds):
    latencies = []
    begin = now = time.perf_counter()
    while now - begin < seconds:
        call()
        after = time.perf_counter()
        latencies.append(int((after - now) * 1e9))
        now = after
    return latencies, now - begin


call = {"upload": upload, "download": download}[operation]
run(warmup)
latencies, elapsed = run(duration)
json.dump({"latencies": latencies, "elapsed": elapsed, "made": made}, sys.stdout)
