"""Install what the system tests need, where that is allowed, run them, and name in the last lines every part left out."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.system.parts import PARTS, get

ROOT = Path(__file__).resolve().parents[2]


def main() -> int:
    """Return pytest's status: a part left out is no failure, but it is named."""
    left_out = []
    for part in PARTS:
        print(f"{part.name}: ", end="", flush=True)
        reason = get(part)
        print(reason or part.find())
        if reason:
            left_out.append(f"{part.name}: {reason}")
    status = subprocess.run([sys.executable, "-m", "pytest", "-q", "-m", "system", "-rs"], cwd=ROOT, check=False).returncode
    if left_out:
        print(f"LEFT OUT, and so not tested: {len(left_out)} of {len(PARTS)} parts")
        for line in left_out:
            print(f"  {line}")
    else:
        print(f"Nothing was left out: {', '.join(part.name for part in PARTS)}.")
    return status


if __name__ == "__main__":
    sys.exit(main())
