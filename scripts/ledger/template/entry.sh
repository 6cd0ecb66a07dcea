#!/bin/sh
# entry.sh create|destroy: makes or removes the thing KEY by appending one line to
# LEDGER; the thing exists when its last line says "create". Like a careful
# provider it may be called again for what a killed run has left half done: that
# is a line of its own ("again"). Two runs at work on one thing at the same time
# are a "double".
set -eu
busy=$LEDGER.d/$KEY.busy
exec 9>>"$LEDGER.lock"
flock 9
mkdir -p "${busy%/*}"
# A zombie has an empty command line.
if [ -e "$busy" ] && tr '\0' ' ' 2>/dev/null <"/proc/$(cat "$busy")/cmdline" | grep -q entry.sh; then
  echo "double $1 $KEY $ID" >>"$LEDGER"
fi
echo $$ >"$busy"
flock -u 9
sleep "0.0$(($$ % 9))" # time in which to be killed
flock 9
last=$(grep -E "^(create|destroy) $KEY " "$LEDGER" 2>/dev/null | tail -n 1)
case $1:$last in
create:create*) echo "again $1 $KEY $ID" >>"$LEDGER" ;;
create:* | destroy:create*) echo "$1 $KEY $ID" >>"$LEDGER" ;;
*) echo "again $1 $KEY $ID" >>"$LEDGER" ;;
esac
rm -f "$busy"
