"""What we see in a History: one idea a file, pure functions."""
