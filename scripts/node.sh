#!/usr/bin/env bash
# Runs a command with a node that can build the dashboard: the one on PATH, or else
# one from the npm registry, kept in build/node. As root on Debian it installs npm
# where there is none.
#
#   cd site && ../scripts/node.sh npm ci
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
package=node-linux-$(uname -m | sed 's/x86_64/x64/;s/aarch64/arm64/')
version=22.23.3

enough() { # vite needs ^20.19 || >=22.12
  command -v node >/dev/null && command -v npm >/dev/null &&
    node -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit((a === 20 && b >= 19) || (a === 22 && b >= 12) || a > 22 ? 0 : 1)'
}

if ! enough; then
  bin=$root/build/node/node_modules/$package/bin
  if [ ! -x "$bin/node" ]; then
    if ! command -v npm >/dev/null && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
      apt-get update -qq >&2
      DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends npm >&2
    fi
    if ! command -v npm >/dev/null || [ "$(uname -s)" != Linux ]; then
      echo "the dashboard needs node 20.19 or newer, and npm: https://nodejs.org" >&2
      exit 1
    fi
    mkdir -p "$root/build/node"
    echo '{}' >"$root/build/node/package.json"
    (cd "$root/build/node" && npm install --no-save --no-audit --no-fund --loglevel=error "$package@$version" >&2)
  fi
  PATH=$bin:$PATH
fi
exec "$@"
