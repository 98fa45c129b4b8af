"""The page of the project: how it is built, how to help, what changed, what was measured."""

from __future__ import annotations

from pathlib import Path

from docs.text import title, toctree

FILES = {
    "ARCHITECTURE": "how the code is laid out, and why; where we correct or choose",
    "CONTRIBUTING": "how to add to it",
    "COMPARISON": "models × phenomena, as `sd.compare` found them",
    "benchmarks/RESULTS": "how fast it is, and beside what",
    "CHANGELOG": "what changed",
}


def write_pages(root: Path) -> dict[str, str]:
    """Return the page."""
    listed = "\n".join(f"* :doc:`{name}`: {text}" for name, text in FILES.items())
    return {"project.rst": "\n".join([title("Project"), listed, "", toctree(FILES, "hidden")])}
