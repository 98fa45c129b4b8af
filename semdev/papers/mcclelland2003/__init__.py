"""Claim: knowledge that is learned a little at a time, in distributed form, grows, errs and decays.

McClelland, J. L. & Rogers, T. T. (2003). The parallel distributed processing approach to semantic
cognition. Nature Reviews Neuroscience 4, 310–322.

Matched: the corpus of eight items, 8 and 15 sigmoid units, a fixed bias of −2, learning rate .1, no
momentum. From memory, not re-read: the epochs 250, 750 and 2500. Not confirmed: the paper's figure
numbers (ours follow the order of its argument), whether a "variance of .9" or a range of ±.9 is
meant, and the settings of its simulation of frequent names. The paper shows single networks; here
are ensembles, and each check says in how many networks the published pattern holds, with the exact
95 % interval of that share: it counts as reproduced where that lies above one half, so that one
network, as published, is a typical one. That rule was set after first runs had been seen.
"""

from __future__ import annotations

from semdev.papers.mcclelland2003.dementia import fig4, fig4_checks, fig4_data
from semdev.papers.mcclelland2003.differentiation import fig1, fig1_checks, fig1_data
from semdev.papers.mcclelland2003.illusions import fig2, fig2_checks, fig2_data
from semdev.papers.mcclelland2003.interference import fig5, fig5_checks, fig5_data
from semdev.papers.mcclelland2003.overextension import fig3, fig3_checks, fig3_data
