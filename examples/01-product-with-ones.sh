#!/bin/sh
set -eu
# The product of ones with the Jacobian of (x+1)^2 at the identity: 4 on the diagonal, 2 elsewhere.
# gives:   0  4  2  2  2  2
jaccli vjp "(x+1)**2" --x eye:5 --v ones

# The same, pasted from PyTorch.
jaccli vjp "(inp+1).pow(2)" --inp eye:5 --v ones
