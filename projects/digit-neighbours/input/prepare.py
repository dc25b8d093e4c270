#!/usr/bin/env python3
"""Makes digits.csv from the handwritten digits in scikit-learn, and the expected answer without Millrace.

Source: PyPI package scikit-learn 1.9.1 (BSD licence), which carries the test part of "Optical Recognition of
Handwritten Digits" (E. Alpaydin, C. Kaynak, UCI Machine Learning Repository, doi 10.24432/C50P49, CC BY 4.0):
    python3 -m venv venv && venv/bin/pip install scikit-learn==1.9.1
    venv/bin/python prepare.py digits.csv                         # the table, byte for byte
    venv/bin/python prepare.py --check digits.csv                 # accuracy by NumPy and by scikit-learn
    venv/bin/python prepare.py --check digits.csv neighbours.csv  # and every neighbour of Millrace's answer

Columns p00 ... p77 are the 8 x 8 pixels (row, column), 0 to 16; the last one is the digit.
"""
import csv
import sys

import numpy as np
from sklearn.datasets import load_digits
from sklearn.neighbors import NearestNeighbors

TIE = 1e-12  # similarities closer than this are equal: the order of such neighbours is anybody's


def table(path):
    digits = load_digits()
    names = [f"p{row}{column}" for row in range(8) for column in range(8)] + ["digit"]
    with open(path, "w", newline="") as out:
        out.write(",".join(names) + "\n")
        for pixels, digit in zip(digits.data, digits.target):
            out.write(",".join(str(int(value)) for value in pixels) + f",{digit}\n")


def check(path, answer):
    with open(path) as file:
        rows = np.array([[float(cell) for cell in row] for row in list(csv.reader(file))[1:]])
    pixels, digits = rows[:, :-1], rows[:, -1].astype(int)
    similarity = np.corrcoef(pixels)
    np.fill_diagonal(similarity, -np.inf)
    nearest = similarity.argmax(axis=1)
    right = int((digits[nearest] == digits).sum())
    print(f"NumPy, corrcoef: {right} of {len(digits)} right, {100 * right / len(digits):.2f} %")
    # The distance 1 - r by another way: the two nearest are the row itself and its neighbour.
    found = NearestNeighbors(n_neighbors=2, metric="correlation", algorithm="brute").fit(pixels).kneighbors(pixels)[1]
    other = np.where(found[:, 0] == np.arange(len(digits)), found[:, 1], found[:, 0])
    right = int((digits[other] == digits).sum())
    print(f"scikit-learn, NearestNeighbors(correlation): {right} of {len(digits)} right")
    pairs = np.triu(similarity, 1)
    first = np.unravel_index(np.argmax(pairs), pairs.shape)
    print(f"most alike: rows {first[0] + 1} and {first[1] + 1}, {pairs[first]:.9f}")
    return compare(similarity, answer) if answer else 0


def compare(similarity, answer):
    """Every row of neighbours.csv against NumPy's; equal similarities may come in any order."""
    wrong = swapped = count = 0
    with open(answer) as file:
        for line in csv.DictReader(file):
            row, rank, other = int(line["row"]) - 1, int(line["rank"]), int(line["neighbour"]) - 1
            mine = np.lexsort((np.arange(len(similarity)), -similarity[row]))[rank - 1]
            count += 1
            if abs(float(line["similarity"]) - similarity[row, mine]) > 1e-9:
                wrong += 1
            elif mine != other:
                swapped += 1
                wrong += abs(similarity[row, mine] - similarity[row, other]) > TIE
    print(f"{answer}: {count} neighbours, {wrong} differ, {swapped} of equal similarity stand in another order")
    return 1 if wrong or count == 0 else 0


def main():
    if len(sys.argv) == 2 and not sys.argv[1].startswith("-"):
        table(sys.argv[1])
        return 0
    if len(sys.argv) in (3, 4) and sys.argv[1] == "--check":
        return check(sys.argv[2], sys.argv[3] if len(sys.argv) == 4 else None)
    return f"usage: {sys.argv[0]} OUT.csv | --check DIGITS.csv [NEIGHBOURS.csv]"


if __name__ == "__main__":
    sys.exit(main())
