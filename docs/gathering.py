"""Gather what Sphinx reads: files of the repository as they are, and generated pages."""

from __future__ import annotations

from pathlib import Path

from docs import command_line, corpora, front, notebooks, papers, phenomena, project, reference

ROOT = Path(__file__).resolve().parent.parent
COPIED = (
    "*.md", "CITATION.cff", "LICENSE", "benchmarks/*.md", "datasets/**/*.*", "notebooks/*.ipynb",
    "figures/*.svg", "figures/checks.csv",
)  # fmt: skip


def gather(source: Path) -> list[Path]:
    """Lay out all pages in a folder; return them. Files that did not change are left alone."""
    wanted = {
        path.relative_to(ROOT).as_posix(): path.read_bytes()
        for pattern in COPIED for path in sorted(ROOT.glob(pattern)) if path.is_file()
    }  # fmt: skip
    for name, page in write_pages().items():
        wanted[name] = page if isinstance(page, bytes) else page.encode()
    for path in source.rglob("*"):
        if path.is_file() and path.relative_to(source).as_posix() not in wanted:
            path.unlink()
    for name, content in wanted.items():
        path = source / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists() or path.read_bytes() != content:
            path.write_bytes(content)
    return [source / name for name in wanted]


def write_pages() -> dict[str, str | bytes]:
    """Return every generated page, and picture, by its place on the site."""
    pages: dict[str, str | bytes] = {}
    for each in (front, notebooks, reference, papers, phenomena, corpora, command_line, project):
        pages |= each.write_pages(ROOT)
    return pages
