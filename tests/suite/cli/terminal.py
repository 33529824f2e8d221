"""Runs a command on a terminal of its own, answers its first question, and ends as it ends: terminal.py ANSWER COMMAND…

WINDOW in the environment is the width of the terminal in columns; its height stays unknown. INTERRUPT_AT is a text: once it is on the terminal, the
command is interrupted.
"""

import fcntl
import os
import pty
import signal
import struct
import sys
import termios

answer, command = sys.argv[1], sys.argv[2:]
process, terminal = pty.fork()
if process == 0:
    columns = os.environ.pop("WINDOW", None)
    if columns:
        fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 0, int(columns), 0, 0))
    os.execv(command[0], command)
said, has_answered = b"", False
interrupt_at = os.environ.get("INTERRUPT_AT", "").encode()
while True:
    try:
        piece = os.read(terminal, 4096)
    except OSError:
        break
    if not piece:
        break
    said += piece
    if not has_answered and said.endswith(b"accepted: "):
        os.write(terminal, answer.encode() + b"\n")
        has_answered = True
    if interrupt_at and interrupt_at in said:
        os.kill(process, signal.SIGINT)
        interrupt_at = b""
_, status = os.waitpid(process, 0)
sys.stdout.buffer.write(said.replace(b"\r\n", b"\n"))
sys.exit(os.waitstatus_to_exitcode(status))
