"""The sealed form of what leaves this machine.

A passphrase becomes a key by scrypt, the document is compressed and encrypted with AES-256-GCM, and everything that
stands beside the ciphertext (the space's name, the version, how the key was made) is authenticated with it: a copy
cannot be passed off as a newer one, or as another space's. `check` is a function of the key, so that a wrong
passphrase is told from a damaged copy; guessing from it is as slow as guessing from the ciphertext.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import json
import os
import zlib
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from gateway.sync.errors import SyncError
from omniroute.types import JSONDict

FORMAT = 1
SCRYPT = {"n": 2**17, "r": 8, "p": 1}
"""128 MB and some 0.4 s for each guess (OWASP's recommendation)."""
HARDEST_N = 2**20
EASIEST_N = 2**14
MAX_PLAIN_BYTES = 64 * 1024 * 1024
MIN_PASSPHRASE = 12
"""Characters."""


@dataclass(frozen=True, slots=True)
class Keys:
    """All that is made of the passphrase. `kdf` is the public part: how, and with which salt."""

    sealing: bytes
    naming: bytes
    check: str
    kdf: JSONDict

    def name(self, text: str) -> str:
        """A name that means something only to who has the passphrase."""
        return hmac.new(self.naming, text.encode(), "sha256").hexdigest()


def new_keys(passphrase: str) -> Keys:
    return _keys(passphrase, {"name": "scrypt", **SCRYPT, "salt": _text(os.urandom(16))})


def keys_of(kdf: JSONDict, passphrase: str) -> Keys:
    """As the last copy that was opened, or sealed, had them."""
    return _keys(passphrase, kdf)


def keys_for(envelope: JSONDict, passphrase: str) -> Keys:
    """The keys that the envelope was sealed with. Raise `SyncError` for another passphrase."""
    if not isinstance(envelope, dict) or envelope.get("v") != FORMAT:
        version = envelope.get("v") if isinstance(envelope, dict) else None
        raise SyncError(
            f"The copy at the peer has the format {version!r}, and this version reads {FORMAT}: update OmniRoute",
            code="unknown_format",
        )
    kdf: Any = envelope.get("kdf")
    if not _is_acceptable(kdf):
        raise _damaged("its key derivation is not one that this version accepts")
    keys = _keys(passphrase, kdf)
    if not hmac.compare_digest(keys.check, str(envelope.get("check"))):
        raise SyncError(
            "The passphrase is not the one that the copy at the peer was sealed with. Nothing was changed",
            status=400,
            code="wrong_passphrase",
        )
    return keys


def seal(document: JSONDict, keys: Keys, *, space: str, version: int) -> JSONDict:
    head = {"v": FORMAT, "kdf": keys.kdf, "check": keys.check}
    plain = zlib.compress(json.dumps(document, separators=(",", ":")).encode())
    nonce = os.urandom(12)
    data = AESGCM(keys.sealing).encrypt(nonce, plain, _beside(head, space, version))
    return {**head, "nonce": _text(nonce), "data": _text(data)}


def unseal(envelope: JSONDict, keys: Keys, *, space: str, version: int) -> JSONDict:
    """Raise `SyncError` for what was changed on its way, or sealed as another version or for another space."""
    head = {name: envelope.get(name) for name in ("v", "kdf", "check")}
    try:
        nonce, data = (base64.b64decode(str(envelope.get(name)), validate=True) for name in ("nonce", "data"))
        plain = AESGCM(keys.sealing).decrypt(nonce, data, _beside(head, space, version))
        unpacking = zlib.decompressobj()
        document = json.loads(unpacking.decompress(plain, MAX_PLAIN_BYTES))
    except (InvalidTag, binascii.Error, ValueError, zlib.error):
        raise _damaged(f"it is not what was sealed as version {version} of {space!r}") from None
    if not isinstance(document, dict) or not isinstance(document.get("objects"), dict):
        raise _damaged("it holds no objects")
    return document


def digest(envelope: JSONDict) -> str:
    """Tells two envelopes apart."""
    text = json.dumps(envelope, sort_keys=True, separators=(",", ":"))
    return hmac.new(b"envelope", text.encode(), "sha256").hexdigest()


def _beside(head: JSONDict, space: str, version: int) -> bytes:
    return json.dumps({**head, "space": space, "version": version}, sort_keys=True).encode()


def _is_acceptable(kdf: Any) -> bool:
    """The peer says how the key is made: it must not make it cheap to guess, nor expensive without end."""
    if not isinstance(kdf, dict) or kdf.get("name") != "scrypt" or not isinstance(kdf.get("salt"), str):
        return False
    n, r, p = (kdf.get(name) for name in ("n", "r", "p"))
    powers = isinstance(n, int) and EASIEST_N <= n <= HARDEST_N and n & (n - 1) == 0
    return powers and r == 8 and p == 1 and set(kdf) == {"name", "n", "r", "p", "salt"}


def _keys(passphrase: str, kdf: JSONDict) -> Keys:
    try:
        salt = base64.b64decode(kdf["salt"], validate=True)
    except (binascii.Error, ValueError):
        raise _damaged("its salt is unreadable") from None
    sealing, naming, check = _derive(passphrase, salt, kdf["n"])
    return Keys(sealing, naming, check.hex(), kdf)


@lru_cache(maxsize=4)
def _derive(passphrase: str, salt: bytes, n: int) -> tuple[bytes, bytes, bytes]:
    master = Scrypt(salt=salt, length=32, n=n, r=8, p=1).derive(passphrase.encode("utf-8", "surrogatepass"))
    made = HKDF(algorithm=SHA256(), length=80, salt=None, info=b"omniroute sync").derive(master)
    return made[:32], made[32:64], made[64:]


def _damaged(how: str) -> SyncError:
    return SyncError(
        f"The copy at the peer is damaged: {how}. Nothing was changed here", code="damaged_envelope"
    )


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()
