"""The two string hashes of the preprocessing layers, on Python integers of 64 bits.

FarmHash64: https://github.com/google/farmhash, `farmhashna::Hash64` for up to 32 bytes, which is enough for every
integer and for the words of the catalogue. SipHash-2-4: Aumasson and Bernstein, 2012,
https://www.aumasson.jp/siphash/siphash.pdf.
"""

from __future__ import annotations

K0, K1, K2 = 0xC3A5C85C97CB3127, 0xB492B66FBE98F273, 0x9AE16A3B2F90404F
ALL = 2**64 - 1


def _word(data: bytes, start: int, size: int = 8) -> int:
    return int.from_bytes(data[start : start + size], "little")


def _turned(value: int, shift: int) -> int:
    """The 64 bits rotated to the right."""
    return ((value >> shift) | (value << (64 - shift))) & ALL


def _mixed(value: int) -> int:
    return value ^ (value >> 47)


def _of_two(u: int, v: int, factor: int) -> int:
    a = _mixed(((u ^ v) * factor) & ALL)
    return (_mixed(((v ^ a) * factor) & ALL) * factor) & ALL


def farmhash64(text: str) -> int:
    """FarmHash64 of a string's UTF-8. Raises ValueError for more than 32 bytes, which are not implemented."""
    data = text.encode()
    size = len(data)
    if size > 32:
        raise ValueError(f"expected a string of at most 32 bytes to hash, {text!r} has {size}")
    factor = (K2 + 2 * size) & ALL
    if size > 16:
        a, b = (_word(data, 0) * K1) & ALL, _word(data, 8)
        c, d = (_word(data, size - 8) * factor) & ALL, (_word(data, size - 16) * K2) & ALL
        first = (_turned((a + b) & ALL, 43) + _turned(c, 30) + d) & ALL
        return _of_two(first, (a + _turned((b + K2) & ALL, 18) + c) & ALL, factor)
    if size >= 8:
        a, b = (_word(data, 0) + K2) & ALL, _word(data, size - 8)
        c, d = (_turned(b, 37) * factor + a) & ALL, ((_turned(a, 25) + b) * factor) & ALL
        return _of_two(c, d, factor)
    if size >= 4:
        return _of_two((size + (_word(data, 0, 4) << 3)) & ALL, _word(data, size - 4, 4), factor)
    if size > 0:
        y = data[0] + (data[size >> 1] << 8)
        z = size + (data[size - 1] << 2)
        return (_mixed(((y * K2) ^ (z * K0)) & ALL) * K2) & ALL
    return K2


def siphash(text: str, key: tuple[int, int]) -> int:
    """SipHash-2-4 of a string's UTF-8 under a key of two 64-bit integers."""
    data, (k0, k1) = text.encode(), key
    v = [k0 ^ 0x736F6D6570736575, k1 ^ 0x646F72616E646F6D, k0 ^ 0x6C7967656E657261, k1 ^ 0x7465646279746573]

    def rounds(count: int) -> None:
        for _ in range(count):
            v[0] = (v[0] + v[1]) & ALL
            v[2] = (v[2] + v[3]) & ALL
            v[1] = _turned(v[1], 51) ^ v[0]
            v[3] = _turned(v[3], 48) ^ v[2]
            v[0] = _turned(v[0], 32)
            v[2] = (v[2] + v[1]) & ALL
            v[0] = (v[0] + v[3]) & ALL
            v[1] = _turned(v[1], 47) ^ v[2]
            v[3] = _turned(v[3], 43) ^ v[0]
            v[2] = _turned(v[2], 32)

    whole = len(data) // 8 * 8
    last = (len(data) & 255) << 56 | int.from_bytes(data[whole:], "little")
    for block in [_word(data, k) for k in range(0, whole, 8)] + [last]:
        v[3] ^= block
        rounds(2)
        v[0] ^= block
    v[2] ^= 255
    rounds(4)
    return v[0] ^ v[1] ^ v[2] ^ v[3]


def crossed(first: int, second: int) -> int:
    """TensorFlow's FingerprintCat64, with which `tf.sparse.cross_hashed` joins hashes."""
    factor = 0xC6A4A7935BD1E995
    result = first ^ factor
    result ^= (_mixed((second * factor) & ALL) * factor) & ALL
    result = (result * factor) & ALL
    return _mixed((_mixed(result) * factor) & ALL)


CROSS_KEY = 0xDECAFCAFFE
"""Seed of `tf.sparse.cross_hashed`."""
