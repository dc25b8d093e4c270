#!/usr/bin/env python3
"""Makes the control's photons.csv from the search's: every time moved by a uniform random amount within ±50 ms.

Fixed seed, standard library only: the same file each time.
    python3 scramble.py ../../gamma-pulsar/input/photons.csv photons.csv
"""
import csv
import random
import sys

JITTER_SECONDS = 0.05
SEED = 20080804  # the first day of the data


def main():
    if len(sys.argv) != 3:
        sys.exit(f"usage: {sys.argv[0]} PHOTONS.csv OUT.csv")
    draw = random.Random(SEED)
    with open(sys.argv[1], newline="") as file:
        rows = list(csv.DictReader(file))
    moved = [(float(row["time_s"]) + draw.uniform(-JITTER_SECONDS, JITTER_SECONDS), row["weight"]) for row in rows]
    moved.sort()
    with open(sys.argv[2], "w") as out:
        out.write("time_s,weight\n")
        for time, weight in moved:
            out.write(f"{time:.7f},{weight}\n")
    print(f"{len(moved)} photons, each moved by up to {JITTER_SECONDS} s")


if __name__ == "__main__":
    main()
