#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Runs test programs that print TAP, one after the other; ends with the counted line. Logs: $BUILD/test-logs.
# A program that prints no result, dies or exits non-zero without a failed line counts as one failure.
set -u
logs=${BUILD:-build}/test-logs
mkdir -p "$logs"
passed=0 failed=0 skipped=0
CMOCKA_MESSAGE_OUTPUT=TAP
export CMOCKA_MESSAGE_OUTPUT
began=$(date +%s)
for program in "$@"; do
    name=$(basename "$program")
    case $program in */sanitize/*) name="$name (sanitized)" ;; esac
    log=$logs/$name.log
    start=$(date +%s)
    case $program in
    *.sh) timeout 1800 sh "$program" >"$log" 2>&1 </dev/null ;;
    *) timeout 1800 "$program" >"$log" 2>&1 </dev/null ;;
    esac
    code=$?
    # cmocka writes a skip as "not ok", its reason on a line before it
    awk '/^# / { reason = substr($0, 3) }
         /^not ok [0-9]+ # SKIP / { $0 = "ok " $3 " - " $6 " # SKIP " reason } { print }' "$log" >"$log.tap"
    mv "$log.tap" "$log"
    s=$(grep -c '^ok .*# *SKIP' "$log")
    p=$(($(grep -c '^ok ' "$log") - s))
    f=$(grep -c '^not ok ' "$log")
    if [ "$f" -eq 0 ] && { [ "$code" -ne 0 ] || [ $((p + s)) -eq 0 ]; }; then
        f=1
        echo "not ok - $name: exit code $code" >>"$log"
    fi
    printf '  %-28s %5d passed %3d failed %3d skipped %4d s\n' "$name" "$p" "$f" "$s" $(($(date +%s) - start))
    grep '^ok .*# *SKIP' "$log" | sed 's/^ok[ 0-9-]*/      skipped: /'
    [ "$f" -eq 0 ] || { grep -v '^ok ' "$log" | tail -n 40 | sed 's/^/      /'; echo "      log: $log"; }
    passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
done
echo "tests took $(($(date +%s) - began)) s"
if [ "$skipped" -gt 0 ]; then
    echo "$passed passed, $failed failed, $skipped skipped"
else
    echo "$passed passed, $failed failed"
fi
[ "$failed" -eq 0 ]
