#!/usr/bin/env bash
# Fails on hand-written Go files over 500 lines.
set -euo pipefail
bad=$(git ls-files '*.go' | grep -vE '_gen\.go$|_test\.go$' | xargs -r wc -l | awk '$2 != "total" && $1 > 500 {print "  " $1 " lines: " $2}')
[ -z "$bad" ] || { echo "files over 500 lines; split them by verb:"; echo "$bad"; exit 1; }
