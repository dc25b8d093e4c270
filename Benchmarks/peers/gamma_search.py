#!/usr/bin/env python3
"""The gamma-pulsar search of one band and one derivative ratio with SciPy, and with NumPy: the kernel's peers.

Same lags, same fine grid (2^23 frequencies over 8 Hz), same scan and the same answer; lags are rounded to the 2^22 grid
and complex64 goes into hfft, the fastest that either offers for real output. One thread, CPU seconds, best of five.
    python3 gamma_search.py PHOTONS.csv
"""
import os

os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"

import sys
import time

import numpy as np
import scipy.fft

LAG_WINDOW = 2**19
CELLS = 2**22
CENTRE = 204.0
BAND = 8.0
VETO = 0.05
CANDIDATES = 20


def pairs(path):
    """Lags and weights of all photon pairs closer than the lag window."""
    table = np.loadtxt(path, delimiter=",", skiprows=1)
    times, weights = table[:, 0], table[:, 1]
    ends = np.searchsorted(times, times + LAG_WINDOW)
    first = np.repeat(np.arange(len(times)), ends - np.arange(len(times)) - 1)
    second = np.concatenate([np.arange(i + 1, end) for i, end in enumerate(ends)])
    return times[second] - times[first], weights[first] * weights[second]


def bin_lags(lags, weights):
    """The heterodyned lag series, complex64."""
    cell = np.rint(lags * BAND).astype(np.int64)
    phase = 2 * np.pi * ((CENTRE * lags) % 1)
    series = np.empty(CELLS + 1, np.complex64)
    series.real = np.bincount(cell, weights * np.cos(phase), CELLS + 1)
    series.imag = np.bincount(cell, weights * np.sin(phase), CELLS + 1)
    return series


def scan(power):
    """Indices of the strongest points outside the veto, sum of powers and of squared powers."""
    edge = round(VETO * LAG_WINDOW * 2)
    half = len(power) // 2
    total, squares = float(power.sum(dtype=np.float64)), float(np.dot(power, power))
    power[half - edge : half + edge] = 0
    best = np.argpartition(power, -CANDIDATES)[-CANDIDATES:]
    return best[np.argsort(power[best])[::-1]], total, squares


def refine(lags, weights, start):
    """The top of the peak near `start` by the direct sum."""
    step = BAND / (2 * CELLS)
    frequencies = start + step * np.linspace(-0.6, 0.6, 25)
    powers = [float(np.dot(weights, np.cos(2 * np.pi * ((f * lags) % 1)))) for f in frequencies]
    best = int(np.argmax(powers))
    return frequencies[best], powers[best]


def run(name, hfft, lags, weights, repeats=5):
    noise = np.sqrt(np.sum(weights**2) / 2)
    parts = np.full(3, np.inf)
    whole = np.inf
    for _ in range(repeats):
        t0 = time.process_time()
        series = bin_lags(lags, weights)
        t1 = time.process_time()
        # hfft transforms with exp(-i...), so the frequencies run downwards; the factor 2 is that of the mirror half.
        power = hfft(series, 2 * CELLS) / 2
        t2 = time.process_time()
        best, _, _ = scan(power)
        t3 = time.process_time()
        parts = np.minimum(parts, [t1 - t0, t2 - t1, t3 - t2])
        whole = min(whole, t3 - t0)
    offset = -int(best[0]) if best[0] < CELLS else 2 * CELLS - int(best[0])
    frequency, power = refine(lags, weights, CENTRE + offset * BAND / (2 * CELLS))
    print(f"{name}: {whole * 1e3:.0f} ms a ratio (binning {parts[0] * 1e3:.0f}, hfft {parts[1] * 1e3:.0f}, "
          f"scan {parts[2] * 1e3:.0f}); {frequency:.8f} Hz at {power / noise:.2f} sigma")


def main():
    if len(sys.argv) != 2:
        sys.exit(f"usage: {sys.argv[0]} PHOTONS.csv")
    lags, weights = pairs(sys.argv[1])
    run("SciPy", scipy.fft.hfft, lags, weights)
    run("NumPy", np.fft.hfft, lags, weights)


if __name__ == "__main__":
    main()
