"""Models compared: phenomena × models, and how far such numbers can be trusted."""
