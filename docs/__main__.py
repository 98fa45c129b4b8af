"""Gather the pages and build the site: python -m docs [options of sphinx-build]."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from docs.gathering import ROOT, gather

BUILD = ROOT / "build" / "docs"


def main(options: list[str]) -> int:
    """Build the site; return Sphinx's exit status. A warning is an error."""
    from sphinx.cmd.build import main as build

    for library in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ.setdefault(library, "1")
    written = gather(BUILD / "source")
    print(f"gathered {len(written)} files in {BUILD / 'source'}")
    status = build([
        "--conf-dir", str(Path(__file__).parent), "--builder", "html",
        "--doctree-dir", str(BUILD / "doctrees"),
        "--fail-on-warning", "--keep-going", "--nitpicky", "--quiet",
        *options, str(BUILD / "source"), str(BUILD / "html"),
    ])  # fmt: skip
    if not status:
        print(f"open {BUILD / 'html' / 'index.html'}")
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
