"""Logs in to memcached in its binary protocol, by any mechanism, and prints the status of the last reply."""

import hashlib
import hmac
import re
import socket
import struct
import sys
from base64 import b64decode, b64encode

mechanism = sys.argv[1]
user, password = (text.encode() for text in sys.argv[2:])
connection = socket.create_connection(("127.0.0.1", 11211))
replies = connection.makefile("rb")

AUTH, STEP, GO_ON = 0x21, 0x22, 0x21


def ask(command, value):
    """A message to the server; gives the status of its reply, and what it says."""
    name = mechanism.encode()
    head = struct.pack(">BBHBBHLLQ", 0x80, command, len(name), 0, 0, 0, len(name) + len(value), 0, 0)
    connection.sendall(head + name + value)
    _, _, _, _, _, status, length, _, _ = struct.unpack(">BBHBBHLLQ", replies.read(24))
    return status, replies.read(length)


def plain():
    yield b"\0" + user + b"\0" + password


def login():
    yield b""
    yield user
    yield password


def cram_md5():
    challenge = yield b""
    yield user + b" " + hmac.new(password, challenge, hashlib.md5).hexdigest().encode()


def digest_md5():
    challenge = (yield b"").decode()
    nonce, realm = (re.search(key + '="([^"]*)"', challenge).group(1) for key in ("nonce", "realm"))
    uri = "memcached/" + realm
    secret = hashlib.md5(b":".join([user, realm.encode(), password])).digest()
    first = hashlib.md5(secret + f":{nonce}:cnonce".encode()).hexdigest()
    second = hashlib.md5(("AUTHENTICATE:" + uri).encode()).hexdigest()
    response = hashlib.md5(f"{first}:{nonce}:00000001:cnonce:auth:{second}".encode()).hexdigest()
    yield (
        f'username="{user.decode()}",realm="{realm}",nonce="{nonce}",cnonce="cnonce",nc=00000001,qop=auth,'
        f'digest-uri="{uri}",response={response}'
    ).encode()
    yield b""


def scram(name):
    bare = b"n=" + user + b",r=nonce"
    challenge = yield b"n,," + bare
    nonce, salt, count = (part[2:] for part in challenge.split(b","))
    final = b"c=biws,r=" + nonce
    salted = hashlib.pbkdf2_hmac(name, password, b64decode(salt), int(count))
    client = hmac.digest(salted, b"Client Key", name)
    signature = hmac.digest(hashlib.new(name, client).digest(), b",".join([bare, challenge, final]), name)
    yield final + b",p=" + b64encode(bytes(a ^ b for a, b in zip(client, signature)))
    yield b""


messages = {
    "PLAIN": plain,
    "LOGIN": login,
    "CRAM-MD5": cram_md5,
    "DIGEST-MD5": digest_md5,
    "SCRAM-SHA-1": lambda: scram("sha1"),
    "SCRAM-SHA-256": lambda: scram("sha256"),
    "SCRAM-SHA-512": lambda: scram("sha512"),
}[mechanism]()

status, said = ask(AUTH, next(messages))
while status == GO_ON:
    status, said = ask(STEP, messages.send(said))
print(f"0x{status:02x}")
