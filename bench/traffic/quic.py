# SPDX-License-Identifier: Apache-2.0
"""Just enough cryptography to protect a client's first QUIC packet (RFC 9001, section 5).

AES-128 in Galois/counter mode, slow and plain, so that making captures needs NumPy only. Nothing
here keeps a secret: the keys of an Initial packet follow from its connection ID.
"""

from __future__ import annotations

import hashlib
import hmac
import struct


def protected_initial(crypto: bytes, destination_id: bytes, source_id: bytes) -> bytes:
    """A client's Initial packet, 1,200 octets long, whose CRYPTO frame carries ``crypto``."""
    initial_secret = hmac.new(INITIAL_SALT, destination_id, hashlib.sha256).digest()
    client_secret = _expand(initial_secret, b"client in", 32)
    key = _expand(client_secret, b"quic key", 16)
    nonce = _expand(client_secret, b"quic iv", 12)  # packet number 0 leaves it as it is
    header_key = _expand(client_secret, b"quic hp", 16)

    number = bytes(4)
    head = b"\xc3" + struct.pack(">I", 1)
    head += bytes([len(destination_id)]) + destination_id
    head += bytes([len(source_id)]) + source_id + b"\0"
    frame = b"\x06\x00" + struct.pack(">H", 0x4000 | len(crypto)) + crypto
    frame = frame.ljust(DATAGRAM_OCTETS - len(head) - 2 - len(number) - TAG_OCTETS, b"\0")
    length = 0x4000 | (len(number) + len(frame) + TAG_OCTETS)
    header = head + struct.pack(">H", length) + number

    body = _seal(key, nonce, frame, header)
    mask = Aes128(header_key).encrypt(body[:16])
    first = bytes([header[0] ^ (mask[0] & 0x0F)])
    hidden_number = bytes(a ^ b for a, b in zip(number, mask[1:5], strict=True))
    return first + header[1:-4] + hidden_number + body


class Aes128:
    """The block cipher, encryption only (FIPS 197)."""

    def __init__(self, key: bytes) -> None:
        words = [list(key[at : at + 4]) for at in range(0, 16, 4)]
        round_constant = 1
        for at in range(4, 44):
            word = list(words[at - 1])
            if at % 4 == 0:
                word = [SBOX[octet] for octet in word[1:] + word[:1]]
                word[0] ^= round_constant
                round_constant = _double(round_constant)
            words.append([a ^ b for a, b in zip(words[at - 4], word, strict=True)])
        self._round_keys = [
            [octet for word in words[at : at + 4] for octet in word] for at in range(0, 44, 4)
        ]

    def encrypt(self, block: bytes) -> bytes:
        """One block of 16 octets."""
        state = [a ^ b for a, b in zip(block, self._round_keys[0], strict=True)]
        for number, round_key in enumerate(self._round_keys[1:], start=1):
            state = [SBOX[octet] for octet in state]
            state = [state[(at + 4 * (at % 4)) % 16] for at in range(16)]
            if number != len(self._round_keys) - 1:
                state = _mix_columns(state)
            state = [a ^ b for a, b in zip(state, round_key, strict=True)]
        return bytes(state)


def _mix_columns(state: list[int]) -> list[int]:
    mixed: list[int] = []
    for at in range(0, 16, 4):
        a, b, c, d = state[at : at + 4]
        whole = a ^ b ^ c ^ d
        mixed += [
            a ^ whole ^ _double(a ^ b),
            b ^ whole ^ _double(b ^ c),
            c ^ whole ^ _double(c ^ d),
            d ^ whole ^ _double(d ^ a),
        ]
    return mixed


def _seal(key: bytes, nonce: bytes, plain: bytes, aside: bytes) -> bytes:
    """Ciphertext and tag (NIST SP 800-38D)."""
    cipher = Aes128(key)
    sealed = bytearray()
    for at in range(0, len(plain), 16):
        stream = cipher.encrypt(nonce + struct.pack(">I", 2 + at // 16))
        sealed += bytes(a ^ b for a, b in zip(plain[at : at + 16], stream, strict=False))
    lengths = struct.pack(">QQ", len(aside) * 8, len(sealed) * 8)
    hashed = _ghash(cipher.encrypt(bytes(16)), _padded(aside) + _padded(bytes(sealed)) + lengths)
    tag = hashed ^ int.from_bytes(cipher.encrypt(nonce + b"\0\0\0\1"), "big")
    return bytes(sealed) + tag.to_bytes(TAG_OCTETS, "big")


def _ghash(subkey: bytes, data: bytes) -> int:
    key, hashed = int.from_bytes(subkey, "big"), 0
    for at in range(0, len(data), 16):
        hashed ^= int.from_bytes(data[at : at + 16], "big")
        product, factor = 0, key
        for bit in range(127, -1, -1):
            if hashed >> bit & 1:
                product ^= factor
            factor = (factor >> 1) ^ (0xE1 << 120) if factor & 1 else factor >> 1
        hashed = product
    return hashed


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 16)


def _expand(secret: bytes, label: bytes, octets: int) -> bytes:
    """HKDF-Expand-Label of TLS 1.3 (RFC 8446, section 7.1) for at most 32 octets."""
    info = struct.pack(">H", octets) + bytes([6 + len(label)]) + b"tls13 " + label + b"\0"
    return hmac.new(secret, info + b"\1", hashlib.sha256).digest()[:octets]


def _double(octet: int) -> int:
    """Times x in the field of AES."""
    return ((octet << 1) ^ 0x1B) & 0xFF if octet & 0x80 else octet << 1


def _substitutions() -> list[int]:
    box = [0] * 256
    power = inverse = 1
    while True:
        power ^= _double(power)
        for shift in (1, 2, 4):
            inverse ^= inverse << shift & 0xFF
        if inverse & 0x80:
            inverse ^= 0x09
        turned = inverse
        for shift in (1, 2, 3, 4):
            turned ^= (inverse << shift | inverse >> (8 - shift)) & 0xFF
        box[power] = turned ^ 0x63
        if power == 1:
            break
    box[0] = 0x63
    return box


SBOX = _substitutions()

INITIAL_SALT = bytes.fromhex("38762cf7f55934b34d179ae6a4c80cadccbb7f0a")
"""RFC 9001, section 5.2."""

DATAGRAM_OCTETS = 1200
"""What a client's first datagram has at least (RFC 9000, section 14.1)."""

TAG_OCTETS = 16
