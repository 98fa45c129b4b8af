"""What there is to learn: trees, data sets, generators, bundled corpora, training patterns."""
