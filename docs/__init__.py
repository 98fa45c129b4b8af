"""The documentation site: pages gathered from the repository and generated from the package.

`python -m docs` (what `make docs` runs) lays out everything that Sphinx reads in build/docs/source,
as the repository lays it out, so that relative links lead where they lead in the repository, and
builds build/docs/html from it. Nothing is written twice: a page either is a file of the repository
or is generated from what it is about.
"""
