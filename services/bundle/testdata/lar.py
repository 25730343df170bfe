"""Writes and reads LAppS's archives, in the plainest way, to compare with.

    lar.py pack ARCHIVE NAME=TEXT...    packs texts, in that order
    lar.py list ARCHIVE                 checks everything, and prints the files

It knows nothing but the description of the format, and is used by nothing but tests.
"""
import bz2
import hashlib
import struct
import sys


def blob(data):
    return struct.pack("<I", len(data)) + bz2.compress(data, 9)


def content(packed):
    (length,) = struct.unpack("<I", packed[:4])
    data = bz2.decompress(packed[4:])
    assert len(data) == length, (len(data), length)
    return data


def pack(files):
    table, blobs, sums = b"", b"", b""
    for name, data in files:
        name, packed, digest = name.encode(), blob(data), hashlib.sha256(data).digest()
        table += struct.pack("<QQII", len(data), len(packed), len(name), 0o644) + digest + name
        blobs += packed
        sums += digest
    packed = blob(table)
    head = struct.pack("<III", len(table), len(packed), len(files)) + hashlib.sha256(sums).digest()
    return b"LAR\x01" + head + packed + blobs


def read(archive):
    assert archive[:4] == b"LAR\x01", archive[:4]
    length, packed, count = struct.unpack("<III", archive[4:16])
    table, place, sums = content(archive[48:48 + packed]), 48 + packed, b""
    assert len(table) == length, (len(table), length)
    while table:
        size, packed, chars, mode = struct.unpack("<QQII", table[:24])
        digest, name, table = table[24:56], table[56:56 + chars], table[56 + chars:]
        data, place = content(archive[place:place + packed]), place + packed
        assert (len(data), hashlib.sha256(data).digest()) == (size, digest), name
        count, sums = count - 1, sums + digest
        print("%o %d %s %s" % (mode, size, digest.hex(), name.decode()))
    assert (place, count) == (len(archive), 0), (place, count)
    assert hashlib.sha256(sums).digest() == archive[16:48]


if sys.argv[1] == "pack":
    texts = [a.split("=", 1) for a in sys.argv[3:]]
    with open(sys.argv[2], "wb") as f:
        f.write(pack([(name, text.encode()) for name, text in texts]))
else:
    with open(sys.argv[2], "rb") as f:
        read(f.read())
