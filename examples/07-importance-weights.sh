#!/bin/sh
set -eu
# Three losses with weights: v is the weights, and the product is the weighted sum of the three gradients.
# gives: vᵀJ for x  (3)
jaccli vjp "[sum(x**2), sum(sin(x)), prod(x)]" --x 0.5,-1.5,2 --v -0.1,1.0,0.0001
