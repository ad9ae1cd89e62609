#!/bin/sh
set -eu
# A linear layer: the Jacobian for x is W, and for W it has the entries of x in its blocks.
# gives:   y[1,0]       7       8
jaccli jacobian "W @ x" --W "[[5,6],[7,8]]" --x "[[1],[2]]"
