"""The reporter as agents run it: a copy, alone, that never disturbs them."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from marvel import reporter

FIXTURES = Path(__file__).parents[1] / "fixtures" / "agents"


def report(source: str, text: bytes, **environ: str) -> subprocess.CompletedProcess[bytes]:
    argv = [sys.executable, "-IS", reporter.__file__, source]
    return subprocess.run(argv, input=text, env=environ, capture_output=True, timeout=20, check=False)


@pytest.mark.parametrize("text", [b"", b"{", b"[1]", b"\xff\0", b"[" * 100_000, b'{"a":1}'])
def test_whatever_it_is_given_and_with_nobody_to_tell_it_is_silent_and_exits_0(text: bytes) -> None:
    done = report("claude-hook", text)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def test_it_sends_one_heartbeat_without_what_was_said() -> None:
    with tempfile.TemporaryDirectory(prefix="mv", dir="/tmp") as directory:
        path = f"{directory}/s"
        with socket.socket(socket.AF_UNIX) as listening:
            listening.bind(path)
            listening.listen()
            listening.settimeout(20)
            argv = [sys.executable, "-IS", reporter.__file__, "claude-hook"]
            text = (FIXTURES / "claude-hook-UserPromptSubmit.json").read_bytes()
            environ = {"MARVEL_SOCKET": path, "MARVEL_SESSION_UID": "ab", "MARVEL_TOKEN": "t"}
            with subprocess.Popen(argv, stdin=subprocess.PIPE, env=environ) as process:
                assert process.stdin is not None
                process.stdin.write(text)
                process.stdin.close()
                peer, _ = listening.accept()
                with peer:
                    said = peer.recv(65536)
                    peer.sendall(b"{}\n")
    params = json.loads(said)["params"]
    assert (params["uid"], params["token"], params["source"]) == ("ab", "t", "claude-hook")
    assert params["payload"]["hook_event_name"] == "UserPromptSubmit"
    assert "prompt" not in params["payload"]


def test_the_users_own_status_line_is_run_and_its_output_shown(tmp_path: Path) -> None:
    (tmp_path / "settings.json").write_text('{"statusLine": {"command": "echo mine"}}')
    done = report("claude-statusline", b"{}", CLAUDE_CONFIG_DIR=str(tmp_path), MARVEL_SOCKET="/nowhere")
    assert done.returncode == 0
    assert done.stdout == b"mine\n"
    told = {"CLAUDE_CONFIG_DIR": str(tmp_path), "MARVEL_STATUS_LINE": "echo the roles"}
    assert report("claude-statusline", b"{}", **told).stdout == b"the roles\n"
