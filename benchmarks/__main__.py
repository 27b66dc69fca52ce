"""Every benchmark, one after another: `python -m benchmarks [NAME ...]`. Each runs beside its reference."""

import subprocess
import sys
from pathlib import Path


def main() -> int:
    """Run those named, or all; the number of those that failed. One that lacks a server ends with 2 and says so."""
    known = sorted(path.stem for path in Path(__file__).parent.glob("[a-z]*.py"))
    wanted = sys.argv[1:] or known
    unknown = [name for name in wanted if name not in known]
    if unknown:
        sys.stderr.write(f"unknown: {', '.join(unknown)}; known: {', '.join(known)}\n")
        return 2
    failed = 0
    for name in wanted:
        print(f"\n== {name}", flush=True)
        failed += subprocess.run([sys.executable, "-m", f"benchmarks.{name}"], check=False).returncode not in {0, 2}
    return failed


if __name__ == "__main__":
    sys.exit(main())
