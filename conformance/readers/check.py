"""Reads a checkpoint with Python's cbor2 and nothing of isobit, and prints what it found as JSON.

The digests, the alignment and the canonical form are worked out here again from docs/checkpoint.md, so that a mistake in
the TypeScript writer cannot hide in its own reader. Usage: check.py FILE; what others may copy is read.py beside it.
"""

import hashlib
import json
import struct
import sys

import cbor2

# RFC 8746 tags: the format of struct, the bytes of one element
FORMATS = {85: ("f", 4), 78: ("i", 4), 70: ("I", 4), 64: ("B", 1), 84: ("H", 2), 69: ("H", 2), 72: ("b", 1)}
TAGS = {"f32": 85, "i32": 78, "u32": 70, "bool": 64, "f16": 84, "bf16": 69, "i8": 72, "u8": 64}
LEAF = 1 << 20


def head(major, n):
    if n < 24:
        return bytes([major << 5 | n])
    for info, size in ((24, 1), (25, 2), (26, 4), (27, 8)):
        if n < 1 << 8 * size:
            return bytes([major << 5 | info]) + n.to_bytes(size, "big")
    raise ValueError(n)


def canonical(v):
    """RFC 8949, 4.2.1, with every float 64 bits wide."""
    if v is None:
        return b"\xf6"
    if v is True or v is False:
        return b"\xf5" if v else b"\xf4"
    if isinstance(v, int):
        return head(0, v) if v >= 0 else head(1, -1 - v)
    if isinstance(v, float):
        return b"\xfb" + struct.pack(">d", v)
    if isinstance(v, str):
        raw = v.encode()
        return head(3, len(raw)) + raw
    if isinstance(v, bytes):
        return head(2, len(v)) + v
    if isinstance(v, (list, tuple)):
        return head(4, len(v)) + b"".join(canonical(e) for e in v)
    pairs = sorted((canonical(k), canonical(e)) for k, e in v.items())
    return head(5, len(pairs)) + b"".join(k + e for k, e in pairs)


def exact(v):
    """JSON that keeps floats apart from integers: floats as the hexadecimal digits of their bytes."""
    if isinstance(v, float):
        return {"f64": struct.pack(">d", v).hex()}
    if isinstance(v, (list, tuple)):
        return [exact(e) for e in v]
    if hasattr(v, "items"):
        return {"map": [[k, exact(e)] for k, e in v.items()]}
    return v


def main(path):
    with open(path, "rb") as f:
        blob = f.read()
    item = cbor2.loads(blob)
    # 55799 may be kept as a tag or dropped
    if isinstance(item, cbor2.CBORTag):
        assert item.tag == 55799
        item = item.value
    magic, prologue, index, frames, seal = item
    assert magic == "isobit/1"
    assert blob[:3] == b"\xd9\xd9\xf7"

    major, minor, flags = struct.unpack_from("<HHI", prologue)
    fields = struct.unpack_from("<8Q", prologue, 8)
    index_off, index_len, count, leaf_count, align, leaf, seal_off, file_len = fields
    assert (major, minor, flags, index_off, align, leaf) == (1, 0, 0, 127, 256, LEAF)
    assert file_len == len(blob) and count == len(index["tensors"]) and len(frames) == 2 * count
    raw_index = blob[index_off : index_off + index_len]
    assert canonical(index) == raw_index, "the index is not canonical"
    assert hashlib.sha256(raw_index).digest() == prologue[72:104] and prologue[104:] == bytes(8)

    names = [t[0].encode() for t in index["tensors"]]
    assert names == sorted(set(names)), "tensors are not sorted"

    leaves, tensors, prints = [], [], []
    at = index_off + index_len + len(head(4, 2 * count))
    for (name, dtype, dims), pad, data in zip(index["tensors"], frames[0::2], frames[1::2]):
        assert isinstance(data, cbor2.CBORTag) and data.tag == TAGS[dtype], name
        raw = data.value
        assert pad == bytes(len(pad))
        at += len(head(2, len(pad))) + len(pad) + 2 + len(head(2, len(raw)))
        assert at % 256 == 0 and blob[at : at + len(raw)] == raw, name
        at += len(raw)
        own = [hashlib.sha256(raw[i : i + LEAF]).digest() for i in range(0, len(raw), LEAF)]
        leaves += own
        prints.append([name, dtype, list(dims), own])
        fmt, size = FORMATS[data.tag]
        values = struct.unpack(f"<{len(raw) // size}{fmt}", raw)
        n = 1
        for d in dims:
            n *= d
        assert n == len(values), name
        # floats as bits: -0 and NaN payloads count
        bits = struct.unpack(f"<{len(raw) // 4}I", raw) if dtype == "f32" else values
        tensors.append([name, dtype, list(dims), list(bits)])
    assert at == seal_off and len(leaves) == leaf_count
    root = hashlib.sha256(b"isobit/1 root\0" + prologue + b"".join(leaves)).digest()
    assert seal == b"".join(leaves) + root, "the seal does not match"

    state = {"kind": index["kind"], "state": index["state"], "schema": index["schema"]}
    fingerprint = hashlib.sha256(canonical([index["kind"], index["schema"], index["state"], prints])).hexdigest()
    print(json.dumps({"root": root.hex(), "fingerprint": fingerprint, "index": exact(state), "tensors": tensors}))


main(sys.argv[1])
