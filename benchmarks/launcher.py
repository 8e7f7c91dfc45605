"""Start one program and tell what it took: `python -I -S launcher.py DESCRIPTOR PROGRAM ARGUMENT…` writes one JSON document.

Linux hands a new program the peak memory of the process that started it as a floor (`ru_maxrss` is never reset at exec, and a
vforked child shares its parent's memory until then). So the program is started by this small one, which imports next to nothing.
"""

import json
import os
import sys
import time


def main() -> None:
    result = int(sys.argv[1])
    begun_s = time.monotonic()
    pid = os.fork()
    if pid == 0:
        try:
            os.close(result)
            os.execvp(sys.argv[2], sys.argv[2:])
        finally:
            os._exit(127)
    _, status, used = os.wait4(pid, 0)
    wall_s = time.monotonic() - begun_s
    code = os.waitstatus_to_exitcode(status)
    found = {"code": code, "wall_s": wall_s, "cpu_s": used.ru_utime + used.ru_stime, "rss_bytes": used.ru_maxrss * 1024}
    os.write(result, json.dumps(found).encode())


main()
