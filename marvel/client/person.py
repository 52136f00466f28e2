"""Who acts, for the log. Standard library only, and little of that."""

import os

NAMES = ("LOGNAME", "USER", "LNAME", "USERNAME")  # in the order of `getpass.getuser`, whose import costs more


def user() -> str:
    """The person who acts."""
    for name in NAMES:
        if found := os.environ.get(name):
            return f"user:{found}"
    import pwd

    try:
        return f"user:{pwd.getpwuid(os.getuid()).pw_name}"
    except KeyError:  # a uid without a name
        return f"user:{os.getuid()}"
