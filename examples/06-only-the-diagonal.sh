#!/bin/sh
set -eu
# A network over samples t: each sample's outputs depend on that sample only, so 3x4 numbers say it all.
# `diag` never builds the 3x4x3x1 Jacobian.
# gives: diagonal of ∂y/∂t  (3×4×1)
jaccli diag "tanh(tanh(t @ W1.T + b1) @ W2.T + b2) @ W3.T + b3" --t "[[1],[2],[3.2]]" --wrt t \
    --W1 randn:20x1 --b1 randn:20 --W2 randn:20x20 --b2 randn:20 --W3 randn:4x20 --b3 randn:4
