#!/bin/sh
set -eu
# The exit code says whether the derivative agrees with the symbolic one and with finite differences.
# gives: the derivative holds
jaccli check "tanh(x)*y" --x 1,2 --y 0.5
