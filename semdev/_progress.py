"""The progress bar: a widget in a notebook that has them, text elsewhere."""

import warnings

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # a notebook without ipywidgets gets text, and needs no advice
    from tqdm.auto import tqdm

__all__ = ["tqdm"]
