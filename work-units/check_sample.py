#!/usr/bin/env python3
"""Decodes golden/ by FORMAT.md alone: nothing of Millrace, not even its .proto files.

Needs the PyPI packages zstandard and cryptography. Run: python3 work-units/check_sample.py
"""
import hashlib, json, pathlib, struct, sys
import zstandard
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

HERE = pathlib.Path(__file__).parent
WIDTH = [1, 4, 8, 4, 8, 1]
CODE = [None, "f", "d", "i", "q", None]


def varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        value, shift, at = value | (byte & 127) << shift, shift + 7, at + 1
        if byte < 128:
            return value, at


def fields(data):
    """Yields (number, value) of a protobuf message."""
    at = 0
    while at < len(data):
        tag, at = varint(data, at)
        if tag & 7 == 0:
            value, at = varint(data, at)
        elif tag & 7 == 1:
            value, at = struct.unpack_from("<d", data, at)[0], at + 8
        elif tag & 7 == 2:
            size, at = varint(data, at)
            assert at + size <= len(data), "truncated"
            value, at = data[at : at + size], at + size
        else:
            raise ValueError("wire type")
        yield tag >> 3, value


def container(data, kind, tail=0):
    assert data[:4] == b"\x89ML\n", "magic"
    found, reserved, version, size = struct.unpack_from("<BBHQ", data, 4)
    assert (found, reserved, version) == (kind, 0, 1), "kind, reserved or version"
    assert len(data) == 16 + size + tail, "length"
    return data[16 : 16 + size]


def section(data, dictionary=None):
    f = {1: b"", 2: 0, 3: 0, 4: 0, 5: b"", 6: 0, 7: 0, **dict(fields(data))}
    kind, how, raw, width = f[2], f[3], f[5], WIDTH[f[2]]
    assert f[4] <= 64 << 20 and f[4] % width == 0 and how <= 3
    if not f[6]:
        reader = zstandard.ZstdDecompressor(dict_data=dictionary).decompressobj()
        raw = reader.decompress(raw)
        assert reader.eof and not reader.unused_data, "frame"
    assert len(raw) == f[4], "size"
    count = len(raw) // width
    if how:
        raw = bytes(raw[b * count + i] for i in range(count) for b in range(width))
    if how >= 2:
        numbers, total = [], 0
        for n in struct.unpack(f"<{count}q", raw):
            total = n + total if how == 3 else n
            numbers.append(total / 10.0 ** f[7])
        return f[1].decode(), numbers
    if kind == 5:
        return f[1].decode(), raw.decode()
    return f[1].decode(), list(struct.unpack(f"<{count}{CODE[kind]}", raw)) if CODE[kind] else raw.hex()


def main():
    golden = HERE / "golden"
    key = Ed25519PublicKey.from_public_bytes(bytes.fromhex((golden / "public-key.txt").read_text()))
    trained = (golden / "dictionary.zdict").read_bytes()
    for name, kind, number in [("unit", 1, 12), ("unit-dictionary", 1, 12), ("result", 2, 5), ("table", 3, 2)]:
        data = (golden / f"{name}.bin").read_bytes()
        body = container(data, kind, 64 if kind == 1 else 0)
        if kind == 1:
            key.verify(data[-64:], b"millrace-workunit-v1\n" + data[:-64])
        dictionary = None
        if kind == 1 and dict(fields(body)).get(13):
            assert dict(fields(body))[13] == hashlib.sha256(trained).digest()
            dictionary = zstandard.ZstdCompressionDict(trained)
        told = json.loads((golden / f"{name}.json").read_text())
        assert told["sha256"] == hashlib.sha256(data).hexdigest()
        expected = told.get("columns") or {k[8:]: v for k, v in told.items() if k.startswith("section ")}
        found = dict(section(value, dictionary) for field, value in fields(body) if field == number)
        single = lambda v: struct.unpack("<f", struct.pack("<f", v))[0]
        for k, v in found.items():
            told_v = expected[k]
            assert v == told_v or v == [single(x) for x in told_v], (name, k)
        assert list(found) == list(expected)
        print(f"{name}: {len(data)} bytes, {len(found)} sections, as told")
    name, text = section(container((golden / "plain.bin").read_bytes(), 4))
    assert text == json.loads((golden / "plain.json").read_text())["data_hex"]
    print(f"plain: {len(text) // 2} bytes of {name}, as told")


if __name__ == "__main__":
    sys.exit(main())
