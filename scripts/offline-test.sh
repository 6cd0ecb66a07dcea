#!/usr/bin/env bash
# Imports and builds templates where there is no network: in a network namespace
# that has a loopback interface and no route. The providers random, time and
# kubernetes are built before; docker is tried when scripts/providers.sh has built
# it. Root, Linux, after make build.
#
# First with a bundle as the mirror: the starter template host, and one whose provider
# and module come from the bundle. Then without the bundle and with the store of
# initialised templates emptied: the kept packages, and the modules that are kept
# with the version, must do. Last, the import of the other starter templates.
set -euo pipefail
cd "$(dirname "$0")/.."
bin=$PWD/build/coder
[ -x "$bin" ] || { echo 'no build/coder: run make build' >&2; exit 1; }
if [ "${1:-}" != inside ]; then
  providers=$(scripts/providers.sh random time kubernetes)
  exec unshare --net --fork --kill-child "$0" inside "$providers"
fi
providers=$2
ip link set lo up
[ -z "$(ip route show)" ] || { echo 'this namespace has a route' >&2; exit 1; }

dir=$(mktemp -d)
chmod 711 "$dir"
server=
cleanup() {
  if [ -n "$server" ]; then kill "$server" 2>/dev/null && wait "$server" 2>/dev/null; fi
  rm -rf "$dir"
}
trap cleanup EXIT
say() { printf '\n== %s\n' "$*"; }
url=http://127.0.0.1:4590
export HOME=$dir/home CODER_CONFIG_DIR=$dir/person
mkdir -p "$HOME"

start() { # start [mirror]
  CODER_CONFIG_DIR=$dir/config CODER_CACHE_DIRECTORY=$dir/cache CODER_PROVISIONER_MIRROR=${1:-} \
    "$bin" server --http-address 127.0.0.1:4590 --access-url "$url" >>"$dir/log" 2>&1 &
  server=$!
  for _ in $(seq 300); do
    curl -fsS -o /dev/null "$url/healthz" 2>/dev/null && return
    kill -0 "$server" 2>/dev/null || break
    sleep 0.1
  done
  echo 'the server did not start:' >&2
  tail -n 20 "$dir/log" >&2
  exit 1
}
stop() { kill "$server"; wait "$server" || true; server=; }

mkdir -p "$dir/three/part"
cat >"$dir/three/main.tf" <<'TF'
terraform {
  required_providers {
    coder  = { source = "coder/coder" }
    random = { source = "hashicorp/random" }
  }
}
data "coder_workspace" "me" {}
resource "random_pet" "name" {}
module "web" { source = "http://127.0.0.1:4591/part.zip" }
resource "terraform_data" "machine" {
  count = data.coder_workspace.me.start_count
  input = "${random_pet.name.id} ${module.web.text}"
}
TF
echo 'output "text" { value = "hello" }' >"$dir/three/part/main.tf"

say 'A bundle, with a module from an HTTP server that is gone afterwards'
(cd "$dir/three/part" && python3 -m zipfile -c ../../part.zip main.tf)
rm -r "$dir/three/part"
(cd "$dir" && exec python3 -m http.server --bind 127.0.0.1 4591 >/dev/null 2>&1) &
web=$!
for _ in $(seq 100); do curl -fsS -o /dev/null http://127.0.0.1:4591/ 2>/dev/null && break; sleep 0.05; done
"$bin" templates bundle --mirror "$providers" --output "$dir/bundle" "$dir/three"
kill "$web"
wait "$web" 2>/dev/null || true
"$bin" templates bundle --verify "$dir/bundle"
# The other starters need the providers that were built.
for name in docker kubernetes; do
  "$bin" templates init --id "$name" "$dir/$name" >/dev/null
done

say 'Import and build with the bundle'
start "$dir/bundle"
CODER_FIRST_USER_EMAIL=admin@localhost.example CODER_FIRST_USER_USERNAME=admin \
  CODER_FIRST_USER_PASSWORD=$(head -c 18 /dev/urandom | base64 | tr '+/' 'xy') "$bin" login "$url" >/dev/null
"$bin" templates init --id host "$dir/host" >/dev/null
"$bin" templates push host -d "$dir/host" -y
"$bin" create on-host --template host --use-parameter-defaults -y
"$bin" templates push three -d "$dir/bundle/templates/three" -y
"$bin" create three --template three --use-parameter-defaults -y
"$bin" stop three -y
"$bin" delete on-host -y
stop

say 'A damaged bundle is refused with the name of the file'
cp -r "$dir/bundle" "$dir/damaged"
echo '# more' >>"$(find "$dir/damaged/modules" -name main.tf)"
start "$dir/damaged"
echo '# another version' >>"$dir/bundle/templates/three/main.tf"
if "$bin" templates push three -d "$dir/bundle/templates/three" -y >"$dir/refused" 2>&1; then
  echo 'a damaged bundle was used' >&2
  exit 1
fi
grep -q 'modules/.*main.tf' "$dir/refused" || { cat "$dir/refused" >&2; exit 1; }
stop

say 'Build again with the caches alone'
start
"$bin" start three -y
"$bin" stop three -y
cat >"$dir/three/main.tf" <<'TF'
terraform {
  required_providers {
    coder  = { source = "coder/coder" }
    random = { source = "hashicorp/random" }
  }
}
resource "random_pet" "name" { length = 3 }
TF
"$bin" templates push other -d "$dir/three" -y
rm -rf "$dir"/cache/templates/*
"$bin" start three -y
"$bin" delete three -y
"$bin" create other --template other --use-parameter-defaults -y
"$bin" delete other -y
stop

for name in docker kubernetes; do
  if [ "$name" = docker ] && ! compgen -G "$providers/registry.terraform.io/*/$name" >/dev/null; then
    echo "The provider docker was not built (scripts/providers.sh docker): its starter is left out."
    continue
  fi
  say "Import of the starter template $name"
  start "$providers"
  "$bin" templates push "$name" -d "$dir/$name" -y
  stop
done
say 'All built without a network'
