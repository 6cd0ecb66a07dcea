#!/usr/bin/env bash
# Builds Terraform providers from Go modules into a filesystem mirror, for tests
# that use templates of others: scripts/providers.sh DIR [name...]. What is in DIR
# already is not built again.
set -euo pipefail

dir=${1:?usage: providers.sh DIR [local null ...]}
shift
names=${*:-local}
# Terraform looks at the version in the path alone. It is one that templates accept.
version=3.2.99
platform=$(go env GOOS)_$(go env GOARCH)
export CGO_ENABLED=0 GOTOOLCHAIN=local GOFLAGS=-buildvcs=false

# The versions have no tag that Go accepts for the path.
declare -A at=(
  [local]=v1.4.1-0.20260806152022-9068a4b7aa37
  [null]=v1.0.1-0.20260824155049-3827b35ad520
)

mkdir -p "$dir"
dir=$(cd "$dir" && pwd)
for name in $names; do
  [ -n "${at[$name]:-}" ] || { echo "providers.sh: no recipe for $name" >&2; exit 1; }
  out=$dir/registry.terraform.io/hashicorp/$name/$version/$platform
  [ -x "$out/terraform-provider-${name}_v$version" ] && continue
  # The modules still call themselves by their old path, so they are replaced.
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  alias=github.com/terraform-providers/terraform-provider-$name
  (cd "$work" && go mod init providers >/dev/null 2>&1 &&
    go mod edit -require="$alias@${at[$name]}" -replace="$alias=github.com/hashicorp/terraform-provider-$name@${at[$name]}" &&
    go mod edit -tool="$alias" && go mod tidy >/dev/null 2>tidy.log || { cat tidy.log >&2; exit 1; }
    mkdir -p "$out" && go build -trimpath -ldflags '-s -w' -o "$out/terraform-provider-${name}_v$version" "$alias")
  rm -rf "$work"
done
echo "$dir"
