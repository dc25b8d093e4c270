"""No-op tasks of Dask on this machine: prints how many tasks a second, a line for each run.

Usage: dask_noop.py RUNS SECONDS
Two worker processes with one thread each, as two volunteers would be; tasks go out in slices.
"""
import sys
import time

from distributed import Client, LocalCluster


def nothing(number):
    return number


def run(client, seconds):
    start = time.perf_counter()
    done = 0
    while time.perf_counter() - start < seconds:
        futures = client.map(nothing, range(500), pure=False)
        assert client.gather(futures) == list(range(500))
        done += 500
    return done / (time.perf_counter() - start)


def main():
    runs, seconds = int(sys.argv[1]), float(sys.argv[2])
    with LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None, host="127.0.0.1"
    ) as cluster, Client(cluster) as client:
        run(client, 1)
        for _ in range(runs):
            print(run(client, seconds), flush=True)


if __name__ == "__main__":
    main()
