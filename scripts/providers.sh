#!/usr/bin/env bash
# Builds Terraform providers from their Go modules into a directory in Terraform's
# filesystem-mirror layout, for benches and tests on machines without a registry.
#
#   scripts/providers.sh [-o DIR] [NAME...]
#
# NAME is one of: random time tls null local http docker kubernetes; without a
# name: random time null. DIR is $CODER_PROVIDERS_DIR, else build/providers. What
# is there already is not built again. The last line of the output is the directory.
#
# The versions end in .99 where the module has no usable version of its own:
# Terraform reads a provider's version from its file name alone.
set -euo pipefail
cd "$(dirname "$0")/.."

declare -A module=(
  [random]=github.com/terraform-providers/terraform-provider-random@v1.3.2-0.20260824155315-e1092b0cfc07
  [time]=github.com/hashicorp/terraform-provider-time@v0.14.2
  [tls]=github.com/hashicorp/terraform-provider-tls@v1.2.1-0.20260819085117-d044ca7c6f52
  [null]=github.com/terraform-providers/terraform-provider-null@v1.0.1-0.20260824155049-3827b35ad520
  [local]=github.com/terraform-providers/terraform-provider-local@v1.4.1-0.20260806152022-9068a4b7aa37
  [http]=github.com/terraform-providers/terraform-provider-http@v1.2.1-0.20260814132659-be89f04ea469
  [docker]=github.com/terraform-providers/terraform-provider-docker@v0.0.0-20260916201441-96d331c98ff4
  [kubernetes]=github.com/hashicorp/terraform-provider-kubernetes@v1.13.4-0.20260821094251-3a33fb6cc605
)
# Where a module lies when it declares a path that it is not found under.
declare -A home=(
  [null]=github.com/hashicorp/terraform-provider-null
  [local]=github.com/hashicorp/terraform-provider-local
  [http]=github.com/hashicorp/terraform-provider-http
  [docker]=github.com/kreuzwerker/terraform-provider-docker
)
declare -A version=([random]=3.7.99 [time]=0.14.2 [tls]=4.1.99 [null]=3.2.99 [local]=2.5.99 [http]=3.5.99
  [docker]=3.6.99 [kubernetes]=2.38.99)

out=${CODER_PROVIDERS_DIR:-$PWD/build/providers}
while getopts o: flag; do
  case $flag in o) out=$OPTARG ;; *) exit 2 ;; esac
done
shift $((OPTIND - 1))
[ $# -gt 0 ] || set -- random time null

export CGO_ENABLED=0
platform=$(go env GOOS)_$(go env GOARCH)
mkdir -p "$out"
out=$(cd "$out" && pwd)
# Two runs at a time would build the same.
if command -v flock >/dev/null; then
  exec 8>"$out/.lock"
  flock 8
fi

build() {
  local name=$1 namespace=hashicorp
  if [ "$name" = docker ]; then namespace=kreuzwerker; fi
  local dir=$out/registry.terraform.io/$namespace/$name/${version[$name]}/$platform
  local file=$dir/terraform-provider-${name}_v${version[$name]}
  if [ -x "$file" ]; then return; fi
  local path=${module[$name]%@*} at=${module[$name]#*@} work
  work=$(mktemp -d)
  {
    printf 'module providers\n\ngo 1.26.0\n\ntool %s\n\nrequire %s %s\n' "$path" "$path" "$at"
    if [ -n "${home[$name]:-}" ]; then printf '\nreplace %s => %s %s\n' "$path" "${home[$name]}" "$at"; fi
  } >"$work/go.mod"
  echo "building $namespace/$name ${version[$name]} from $path" >&2
  if (cd "$work" && GOWORK=off GOFLAGS=-mod=mod go build -trimpath -buildvcs=false -ldflags '-s -w' -o provider "$path"); then
    mkdir -p "$dir"
    mv "$work/provider" "$file.new" && mv "$file.new" "$file"
  fi
  rm -rf "$work"
  [ -x "$file" ]
}

for name in "$@"; do
  [ -n "${module[$name]:-}" ] || { echo "unknown provider $name; known: random time tls null local http docker kubernetes" >&2; exit 2; }
done
for name in "$@"; do build "$name"; done
echo "$out"
