"""Sums of the Möbius function, counts of squarefree numbers and of primes, block by block.

A program for Millrace: docs/executables.md says what it finds and what it leaves. Python 3, nothing else.

Reads   $MILLRACE_INPUT/parameters.json: first and count of the unit's blocks, and the parameter `block`, their length
Writes  $MILLRACE_OUTPUT/sums.csv: a line for each block
        $MILLRACE_OUTPUT/progress, checkpoint: after each block
"""

import json
import math
import os
import signal
import sys

BAD_UNIT = 65
STOPPED = 75


def small_primes(limit):
    sieve = bytearray([1]) * (limit + 1)
    sieve[:2] = b"\0\0"[: limit + 1]
    for p in range(2, math.isqrt(limit) + 1):
        if sieve[p]:
            sieve[p * p :: p] = bytes(len(range(p * p, limit + 1, p)))
    return [p for p in range(limit + 1) if sieve[p]]


def block_sums(low, high):
    """Sum of the Möbius function, squarefree numbers and primes in low ... high."""
    mobius = [1] * (high - low + 1)
    product = [1] * (high - low + 1)
    for p in small_primes(math.isqrt(high)):
        for at in range(-low % p, high - low + 1, p):
            mobius[at] = -mobius[at]
            product[at] *= p
        for at in range(-low % (p * p), high - low + 1, p * p):
            mobius[at] = 0
    total = squarefree = primes = 0
    for at, sign in enumerate(mobius):
        if sign == 0:
            continue
        squarefree += 1
        number = low + at
        if product[at] != number:
            # One prime factor above the root is left.
            sign = -sign
            primes += product[at] == 1
        elif sign == -1 and number <= math.isqrt(high):
            # Below the root, and its own smallest factor.
            primes += all(number % p for p in small_primes(math.isqrt(number)))
        total += sign
    return total, squarefree, primes


def replace(name, text):
    """A file is there whole or not at all."""
    with open(name + ".new", "w", encoding="ascii") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    os.replace(name + ".new", name)


def main():
    wanted = []
    signal.signal(signal.SIGTERM, lambda *_: wanted.append(True))
    with open(os.path.join(os.environ["MILLRACE_INPUT"], "parameters.json"), encoding="utf-8") as file:
        unit = json.load(file)
    length = unit["parameters"].get("block")
    if not isinstance(length, int) or length < 1:
        print("the parameter block is no whole number above 0", file=sys.stderr)
        return BAD_UNIT
    os.chdir(os.environ["MILLRACE_OUTPUT"])
    for left in ["checkpoint.new", "progress.new", "sums.csv.new"]:
        if os.path.exists(left):
            os.remove(left)
    lines = []
    if os.path.exists("checkpoint"):
        with open("checkpoint", encoding="ascii") as file:
            lines = json.load(file)
    for number in range(unit["first"] + len(lines), unit["first"] + unit["count"]):
        if wanted:
            return STOPPED
        low, high = number * length + 1, (number + 1) * length
        lines.append("%d,%d,%d,%d,%d,%d" % (number, low, high, *block_sums(low, high)))
        replace("checkpoint", json.dumps(lines))
        replace("progress", "%.4f\n" % (len(lines) / unit["count"]))
    replace("sums.csv", "\n".join(["block,first,last,mobius_sum,squarefree,primes", *lines]) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
