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

DIR=$(mktemp -d "${TMPDIR:-/tmp}/coder.XXXXXX") || fatal "No temporary directory can be made."
cd "$DIR" || fatal "The directory $DIR cannot be entered."
BINARY=coder
URL="${ACCESS_URL}bin/coder-darwin-${ARCH}"

until curl -fsSL "$URL" -o "$BINARY"; do
	echo "The agent could not be fetched from $URL; trying again in 30 seconds." >&2
	sleep 30
done
chmod +x "$BINARY" || fatal "The agent cannot be made executable."

case $("./$BINARY" --version 2>&1) in
*[Cc]oder*) ;;
*) fatal "What was fetched from $URL does not run here, or is not the agent." ;;
esac

export CODER_AGENT_AUTH="${AUTH_TYPE}"
export CODER_AGENT_URL="${ACCESS_URL}"
exec "./$BINARY" agent
