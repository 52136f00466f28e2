"""Session tokens: an HMAC of the uid under a key that only this user can read. Stored nowhere else."""

import contextlib
import hashlib
import hmac
import os
import secrets

KEY_BYTES = 32


class Tokens:
    """Makes and checks tokens under the key file at `path`, which is made if missing."""

    def __init__(self, path: str) -> None:
        with contextlib.suppress(FileExistsError):
            fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            with os.fdopen(fd, "wb") as file:
                file.write(secrets.token_bytes(KEY_BYTES))
        with open(path, "rb") as file:
            self._key = file.read()

    def of(self, uid: str) -> str:
        """The token of one session."""
        return hmac.new(self._key, uid.encode(), hashlib.sha256).hexdigest()

    def fits(self, token: object, uid: str) -> bool:
        """Whether a token was made for this session."""
        if not isinstance(token, str):
            return False
        return hmac.compare_digest(token.encode(errors="replace"), self.of(uid).encode())
