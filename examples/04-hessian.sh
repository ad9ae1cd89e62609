#!/bin/sh
set -eu
# The second derivatives of sum(sqrt(x)): -x**(-3/2)/4 on the diagonal.
# gives: -0.25
jaccli hessian "sum(sqrt(x))" --x "[[1, 4], [0.25, 2]]"
