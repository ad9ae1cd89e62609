#!/bin/sh
set -eu
# Each --v is one backward call and adds to .grad; `reset` is PyTorch's zero_.
# gives: after call 3 of 4: reset
# gives:   0  8  4  4  4  4
jaccli grad "(x+1)**2" --x eye:5 --v ones --v ones --v reset --v ones
