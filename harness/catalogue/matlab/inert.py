"""Rows of layers of Deep Learning Toolbox that do nothing at inference."""

from __future__ import annotations

from harness.catalogue.matlab.activation import activation_row
from harness.catalogue.matlab.toolbox import MOVED, SHAPES
from harness.spec import Exactness

dropout = activation_row("DropoutLayer", {"Probability": (0.5, 0.9)}, profiles=MOVED, exactness=Exactness.MOVES)
identity = activation_row("IdentityLayer", shapes=SHAPES, profiles=MOVED, exactness=Exactness.MOVES)
classification_output = activation_row("ClassificationOutputLayer", profiles=MOVED, exactness=Exactness.MOVES)
