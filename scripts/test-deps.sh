#!/usr/bin/env bash
# Looks for what the tests run for real. As root on Debian it installs what is
# missing; otherwise it says what to install. A missing tool is a failure.
set -euo pipefail
declare -A package=([ssh]=openssh-client [sshd]=openssh-server [scp]=openssh-client [sftp]=openssh-client
  [rsync]=rsync [git]=git [gcc]=gcc [initdb]=postgresql
  [Xvfb]=xvfb [xauth]=xauth [xdpyinfo]=x11-utils [xwininfo]=x11-utils [xeyes]=x11-apps
  [tmux]=tmux [vim]=vim [less]=less [top]=procps
  [nsenter]=util-linux [ip]=iproute2 [iptables]=iptables
  [chromium]=chromium
  [gpg]=gpg [gpgconf]=gpgconf [gpg-agent]=gpg-agent)
has() {
  case $1 in
    initdb) command -v initdb >/dev/null || compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null ;;
    sshd) [ -x /usr/sbin/sshd ] ;;
    *) command -v "$1" >/dev/null ;;
  esac
}
missing=()
for tool in "${!package[@]}"; do has "$tool" || missing+=("${package[$tool]}"); done
if [ ${#missing[@]} -gt 0 ]; then
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}"
  else
    echo "tests need: ${missing[*]}" >&2
    exit 1
  fi
fi
command -v terraform >/dev/null || { echo "tests need terraform 1.1 or newer on PATH: https://developer.hashicorp.com/terraform/install" >&2; exit 1; }
