"""No-op tasks of Ray on this machine: prints how many tasks a second, a line for each run.

Usage: ray_noop.py RUNS SECONDS
All tasks of a run are submitted and waited for, in slices, so that submitting and running overlap.
"""
import sys
import time

import ray


@ray.remote
def nothing(number):
    return number


def run(seconds):
    start = time.perf_counter()
    done = 0
    while time.perf_counter() - start < seconds:
        numbers = ray.get([nothing.remote(number) for number in range(500)])
        assert numbers == list(range(500))
        done += len(numbers)
    return done / (time.perf_counter() - start)


def main():
    runs, seconds = int(sys.argv[1]), float(sys.argv[2])
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level="error")
    run(1)
    for _ in range(runs):
        print(run(seconds), flush=True)
    ray.shutdown()


main()
