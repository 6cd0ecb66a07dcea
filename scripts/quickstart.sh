#!/usr/bin/env bash
# The main job in one command: build what is missing, start a server with its
# built-in Postgres, make the first admin, push the starter template "host",
# create the workspace "demo" and run a command in it. Then serve until Ctrl-C,
# or, with --exit, end with the exit code of that command. Nothing is left
# running. A second run reuses what is there.
#
#   QUICKSTART_DIR   state directory           (build/quickstart)
#   QUICKSTART_PORT  port on 127.0.0.1         (3000, else the next free one)
set -euo pipefail
cd "$(dirname "$0")/.."

mode=serve
case "${1:-}" in
  "") ;;
  --exit) mode=exit ;;
  *) echo "usage: make quickstart [ARGS=--exit]" >&2; exit 2 ;;
esac

dir=${QUICKSTART_DIR:-$PWD/build/quickstart}
bin=$PWD/build/coder
mkdir -p "$dir"
chmod 711 "$dir" # as root, Postgres runs as another user and has to pass through
log=$dir/server.log

say() { printf '\n\033[1m%s\033[0m\n' "$*"; }
[ -t 1 ] || say() { printf '\n%s\n' "$*"; }

say "Building coder (the first time takes some minutes)"
make --no-print-directory build PLATFORMS="linux-$(go env GOARCH)"

# Everything below talks to our own server only.
for v in $(compgen -e | grep -E '^CODER_' || true); do unset "$v"; done
export CODER_CONFIG_DIR=$dir/config CODER_CACHE_DIRECTORY=$dir/cache

free() { ! (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }
port=${QUICKSTART_PORT:-}
if [ -z "$port" ]; then
  for port in $(seq 3000 3049); do free "$port" && break; done
elif ! free "$port"; then
  echo "port $port is in use; set QUICKSTART_PORT to another one" >&2
  exit 1
fi
url=http://127.0.0.1:$port

server=
stop_all() {
  trap '' INT TERM
  if [ -n "$server" ] && kill -0 "$server" 2>/dev/null; then
    if [ -f "$dir/config/session" ]; then
      "$bin" stop demo -y >>"$log" 2>&1 || true # ends the agent with its workspace
    fi
    kill -TERM "$server" 2>/dev/null || true
    wait "$server" 2>/dev/null || true
  fi
}
trap stop_all EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

say "Starting the server at $url (log: ${log#"$PWD"/})"
# A session of its own, so that Ctrl-C reaches this script first and the
# workspace is stopped before the server.
setsid "$bin" server --http-address "127.0.0.1:$port" --access-url "$url" >>"$log" 2>&1 &
server=$!
for _ in $(seq 300); do
  curl -fsS -o /dev/null "$url/healthz" 2>/dev/null && break
  kill -0 "$server" 2>/dev/null || { echo "the server stopped:" >&2; tail -n 5 "$log" >&2; exit 1; }
  sleep 0.1
done
curl -fsS -o /dev/null "$url/healthz" || { echo "the server is not healthy after 30 s; see $log" >&2; exit 1; }

credentials=$dir/credentials
if [ ! -f "$credentials" ]; then
  password=$(head -c 18 /dev/urandom | base64 | tr '+/' 'xy')
  (umask 077 && printf 'admin@localhost.example\nadmin\n%s\n' "$password" >"$credentials")
fi
{ read -r email; read -r username; read -r password; } <"$credentials"

if ! "$bin" --url "$url" whoami >/dev/null 2>&1; then
  say "Signing in as $username"
  # Both paths read the password from the environment, never from arguments.
  CODER_FIRST_USER_EMAIL=$email CODER_FIRST_USER_USERNAME=$username CODER_FIRST_USER_PASSWORD=$password \
    "$bin" login "$url"
else
  printf '%s' "$url" >"$CODER_CONFIG_DIR/url" # the port may be another one than last time
fi

say "Pushing the template \"host\""
rm -rf "$dir/host"
"$bin" templates init --id host "$dir/host"
"$bin" templates push host -d "$dir/host" -y

if "$bin" show demo >/dev/null 2>&1; then
  say "Starting the workspace \"demo\""
  "$bin" update demo --use-parameter-defaults >/dev/null 2>&1 || true
  "$bin" start demo -y
else
  say "Creating the workspace \"demo\""
  "$bin" create demo --template host --use-parameter-defaults -y
fi

say "Running a command in it: coder ssh demo -- 'echo Hello from \$(hostname), I am \$(id -un)'"
code=0
"$bin" ssh demo -- 'echo "Hello from $(hostname), I am $(id -un)"' || code=$?
[ "$mode" = exit ] && exit "$code"

cat <<MSG

  URL       $url
  E-mail    $email
  Password  $password

Try next, in another terminal:

  export CODER_CONFIG_DIR=$CODER_CONFIG_DIR
  $bin ssh demo              # a shell in the workspace
  $bin ping demo             # direct, or by which relay
  $bin config-ssh            # then: ssh demo.coder, scp, rsync, your editor
  $bin stop demo && $bin start demo

Ctrl-C stops the workspace and the server.
MSG
wait "$server"
