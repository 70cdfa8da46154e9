"""Reads an isobit checkpoint into NumPy arrays. Needs cbor2 and numpy; copy this file into your project.

    from read import load, state
    arrays = load("model.cbor")
    print(arrays["model/0.weight"].shape, state("model.cbor")["model"])

bfloat16 comes as ml_dtypes.bfloat16 where that package is installed, else as the bits in uint16.
"""

import hashlib

import cbor2
import numpy as np

try:
    from ml_dtypes import bfloat16
except ImportError:
    bfloat16 = np.uint16

DTYPES = {
    "f32": "<f4", "i32": "<i4", "u32": "<u4", "f16": "<f2", "i8": "i1", "u8": "u1", "bool": "?", "bf16": bfloat16,
}
LEAF = 1 << 20
INDEX = 127  # where the index begins


def parts(path):
    """The index, the raw bytes of each tensor, and the digests, once the file's own digests of them are right."""
    try:
        return opened(path)
    except (cbor2.CBORError, EOFError, LookupError, TypeError, AttributeError, OverflowError, MemoryError) as e:
        raise ValueError(f"{path}: damaged, or no checkpoint ({e})") from e


def opened(path):
    with open(path, "rb") as f:
        item = cbor2.load(f)
        if f.read(1):
            raise ValueError(f"{path}: bytes behind its end")
        if isinstance(item, cbor2.CBORTag):  # 55799, which some versions keep
            item = item.value
        if not isinstance(item, (list, tuple)) or len(item) != 5 or item[0] != "isobit/1":
            raise ValueError(f"{path}: not a checkpoint of isobit/1")
        _, prologue, index, frames, seal = item
        f.seek(INDEX)
        raw = f.read(int.from_bytes(prologue[16:24], "little"))
    if hashlib.sha256(raw).digest() != prologue[72:104]:
        raise ValueError(f"{path}: damaged, the index does not match")
    if index["requires"]:
        raise ValueError(f"{path}: needs {index['requires']}, which this reader lacks")
    if seal[-32:] != hashlib.sha256(b"isobit/1 root\0" + prologue + seal[:-32]).digest():
        raise ValueError(f"{path}: damaged, the root does not match")
    blobs = [data.value for data in frames[1::2]]
    if len(blobs) != len(index["tensors"]) or not all(isinstance(raw, bytes) for raw in blobs):
        raise ValueError(f"{path}: damaged, its tensors are not those of its index")
    return index, blobs, seal


def load(path, only=lambda name: True):
    """The tensors of a checkpoint by name: {'model/0.weight': array, …}. ValueError where a byte of them is wrong."""
    index, blobs, seal = parts(path)
    arrays, leaf = {}, 0
    for (name, dtype, shape), raw in zip(index["tensors"], blobs):
        wanted = only(name)
        for at in range(0, len(raw), LEAF):
            digest = seal[32 * leaf : 32 * leaf + 32]
            if wanted and hashlib.sha256(raw[at : at + LEAF]).digest() != digest:
                raise ValueError(f"{path}: damaged, tensor {name!r} near byte {at}")
            leaf += 1
        if wanted:
            arrays[name] = np.frombuffer(raw, DTYPES[dtype]).reshape(tuple(shape)).copy()
    return arrays


def state(path):
    """Everything else that the file says: the model's description, the step, and so on."""
    return parts(path)[0]["state"]
