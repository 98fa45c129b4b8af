"""A History as one page, to be opened anywhere: sliders, beliefs, maps, modes, loss."""
