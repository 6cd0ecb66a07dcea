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

fetch() {
	if command -v curl >/dev/null 2>&1; then
		curl -fsSL "$URL" -o "$BINARY.new"
	elif command -v wget >/dev/null 2>&1; then
		wget -q "$URL" -O "$BINARY.new"
	elif command -v busybox >/dev/null 2>&1; then
		busybox wget -q "$URL" -O "$BINARY.new"
	else
		fatal "Neither curl nor wget nor busybox is installed; one of them is needed to fetch the agent."
	fi
}

until fetch; do
	echo "The agent could not be fetched from $URL; trying again in 30 seconds." >&2
	sleep 30
done
mv -f "$BINARY.new" "$BINARY" && chmod +x "$BINARY" || fatal "The agent cannot be made executable."

if [ -n "${USE_CAP_NET_ADMIN:-}" ]; then
	setcap CAP_NET_ADMIN=+ep "$BINARY" 2>/dev/null || sudo -n setcap CAP_NET_ADMIN=+ep "$BINARY" ||
		echo "CAP_NET_ADMIN was asked for but cannot be set; going on without it." >&2
fi

case $("./$BINARY" --version 2>&1) in
*[Cc]oder*) ;;
*) fatal "What was fetched from $URL does not run here, or is not the agent." ;;
esac

export CODER_AGENT_AUTH="${AUTH_TYPE}"
export CODER_AGENT_URL="${ACCESS_URL}"
exec "./$BINARY" agent
