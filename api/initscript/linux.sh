#!/usr/bin/env sh
# Fetches the agent from the server and becomes it. CODER_AGENT_TOKEN is expected
# in the environment when the agent signs in with a token.
set -u

fatal() {
	echo "$*" >&2
	echo "The agent cannot be started. Keeping this machine up for a day so that it can be looked at." >&2
	sleep 86400
	exit 1
}

# The TMPDIR of a provisioner's job ends with the job; an agent that a job starts
# on its own host outlives it.
if [ -n "${CODER_PROVISIONER_TMPDIR:-}" ] && [ "${TMPDIR:-}" = "$CODER_PROVISIONER_TMPDIR" ]; then
	unset TMPDIR
fi
# A provisioner also sets GOGC, for the short life of Terraform.
[ -z "${CODER_PROVISIONER_TMPDIR:-}" ] || unset GOGC
unset CODER_PROVISIONER_TMPDIR

BINARY_DIR="${BINARY_DIR:-}"
if [ -z "$BINARY_DIR" ]; then
	BINARY_DIR=$(mktemp -d "${TMPDIR:-/tmp}/coder.XXXXXX") || fatal "No temporary directory can be made."
else
	mkdir -p "$BINARY_DIR" || fatal "The directory $BINARY_DIR cannot be made."
fi
cd "$BINARY_DIR" || fatal "The directory $BINARY_DIR cannot be entered."
BINARY=coder
URL="${ACCESS_URL}bin/coder-linux-${ARCH}"

# A binary that an earlier start left in BINARY_DIR is fetched again only if the
# server has another one now. Names carry our process id, because several agents
# may share the directory.
NEW="$BINARY.new.$$"
HEAD="$BINARY.head.$$"
fetch() {
	if command -v curl >/dev/null 2>&1; then
		ETAG=
		[ ! -x "$BINARY" ] || ETAG=$(cat "$BINARY.etag" 2>/dev/null || :)
		CODE=$(curl -fsSL -H "If-None-Match: $ETAG" -D "$HEAD" -o "$NEW" -w '%{http_code}' "$URL") || return 1
		[ "$CODE" != 304 ] || rm -f "$NEW"
	elif command -v wget >/dev/null 2>&1; then
		wget -q "$URL" -O "$NEW"
	elif command -v busybox >/dev/null 2>&1; then
		busybox wget -q "$URL" -O "$NEW"
	else
		fatal "Neither curl nor wget nor busybox is installed; one of them is needed to fetch the agent."
	fi
}

until fetch; do
	echo "The agent could not be fetched from $URL; trying again in 30 seconds." >&2
	sleep 30
done

if [ -f "$NEW" ]; then
	chmod +x "$NEW" || fatal "The agent cannot be made executable."
	case $("./$NEW" --version 2>&1) in
	*[Cc]oder*) ;;
	*) fatal "What was fetched from $URL does not run here, or is not the agent." ;;
	esac
	if [ -n "${USE_CAP_NET_ADMIN:-}" ]; then
		setcap CAP_NET_ADMIN=+ep "$NEW" 2>/dev/null || sudo -n setcap CAP_NET_ADMIN=+ep "$NEW" ||
			echo "CAP_NET_ADMIN was asked for but cannot be set; going on without it." >&2
	fi
	mv -f "$NEW" "$BINARY" || fatal "The agent cannot be put into $BINARY_DIR."
	if [ -f "$HEAD" ]; then
		sed -n 's/^[Ee][Tt][Aa][Gg]: *//p' "$HEAD" | tr -d '\r' | tail -n 1 >"$BINARY.etag"
	fi
fi
rm -f "$HEAD"

export CODER_AGENT_AUTH="${AUTH_TYPE}"
export CODER_AGENT_URL="${ACCESS_URL}"
exec "./$BINARY" agent
