"""Session tokens: an HMAC of the uid under a key that only this user can read. Stored nowhere else."""

import contextlib
import hashlib
import hmac
import os
import secrets

from marvel.errors import MarvelError
from marvel.settings import own_file

KEY_BYTES = 32


class Tokens:
    """Makes and checks tokens under the key file at `path`, which is made if missing."""

    def __init__(self, path: str) -> None:
        if not os.path.lexists(path):
            _make(path)
        with open(path, "rb", opener=own_file) as file:
            self._key = file.read(KEY_BYTES)
        if len(self._key) < KEY_BYTES:  # every token could be guessed
            raise MarvelError(f"{path} is not a whole key", hint="remove it, and restart what runs")

    def of(self, uid: str) -> str:
        """The token of one session."""
        return hmac.new(self._key, uid.encode(), hashlib.sha256).hexdigest()

    def fits(self, token: object, uid: str) -> bool:
        """Whether a token was made for this session."""
        if not isinstance(token, str):
            return False
        return hmac.compare_digest(token.encode(errors="replace"), self.of(uid).encode())


def _make(path: str) -> None:
    """The key appears whole or not at all, and the first of several makers wins."""
    fresh = f"{path}.{secrets.token_hex(4)}"
    fd = own_file(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
    try:
        with os.fdopen(fd, "wb") as file:
            file.write(secrets.token_bytes(KEY_BYTES))
        with contextlib.suppress(FileExistsError):
            os.link(fresh, path)
    finally:
        os.unlink(fresh)
