"""Offers X25519MLKEM768 and no other group, without a key: a server that knows it asks for one (HelloRetryRequest), another
says alert 40, handshake_failure. By hand, for the clients of Debian 12 know no such group."""
import os, socket, struct, sys

def pack(size, data):
    return len(data).to_bytes(size, "big") + data

def extension(kind, data):
    return struct.pack(">H", kind) + pack(2, data)

GROUP = b"\x11\xec"
extensions = (
    extension(10, pack(2, GROUP))                        # supported_groups
    + extension(13, pack(2, b"\x04\x03\x08\x04"))        # signature_algorithms: ECDSA P-256, RSA-PSS
    + extension(43, pack(1, b"\x03\x04"))                # supported_versions: TLS 1.3
    + extension(51, pack(2, b""))                        # key_share: none
)
hello = b"\x03\x03" + os.urandom(32) + pack(1, os.urandom(32)) + pack(2, b"\x13\x01") + pack(1, b"\0") + pack(2, extensions)
record = b"\x16\x03\x01" + pack(2, b"\x01" + pack(3, hello))

with socket.create_connection((sys.argv[1], int(sys.argv[2])), 30) as server:
    server.sendall(record)
    stream = server.makefile("rb")
    kind, _, size = struct.unpack(">BHH", stream.read(5))
    body = stream.read(size)
# HelloRetryRequest is a ServerHello with this random: the SHA-256 of its own name (RFC 8446, 4.1.3).
RETRY = bytes.fromhex("cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c")
if kind == 21:
    print("alert", body[1])
elif kind == 22 and body[6:38] == RETRY and b"\x00\x33\x00\x02" + GROUP in body:
    print("hello, again with X25519MLKEM768")
else:
    print("other:", kind, body.hex())
