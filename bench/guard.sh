#!/usr/bin/env bash
# Instruction counts of the whole program, so that a slow-down becomes a diff of bench/guard.txt. Half a minute; needs valgrind.
#
#   bench/guard.sh             compares with the recorded counts; exit code 1 when one is more than 3 % higher
#   bench/guard.sh --record    records them anew
#
# Counts of callgrind do not depend on what else the machine does. They do depend on the compiler, its options and the C++
# library: record and compare in the same container.
set -euo pipefail
cd "$(dirname "$0")/.."
program=build/egmsim
declare -A runs=(
    [load-256]="check dgx-gh200-256"
    [machine-and-bounds-nvl72]="run scenarios/large/nvl72-egm-all-to-all.yaml --quiet --fidelity fluid"
    [transactions-nvl72]="run scenarios/large/nvl72-egm-all-to-all.yaml --quiet"
    [bring-up]="run scenarios/quickstart.yaml --quiet --fidelity bound"
    [transactions-gh200]="run scenarios/quickstart.yaml --quiet --set software.compare_native=false --set measurement.time_max=20us"
)
names=(load-256 machine-and-bounds-nvl72 transactions-nvl72 bring-up transactions-gh200)

log=$(mktemp)
now=$(mktemp)
trap 'rm -f "$log" "$now"' EXIT
for name in "${names[@]}"; do
    # shellcheck disable=SC2086
    valgrind --tool=callgrind --callgrind-out-file=/dev/null "$program" ${runs[$name]/20us/20 us} >/dev/null 2>"$log" || true
    count=$(sed -n 's/^==[0-9]*== Collected : \([0-9]*\).*/\1/p' "$log")
    [ -n "$count" ] || { cat "$log" >&2; exit 2; }
    echo "$name $count" >>"$now"
done
if [ "${1:-}" = --record ]; then
    cp "$now" bench/guard.txt
    cat bench/guard.txt
    exit 0
fi
awk 'NR == FNR { recorded[$1] = $2; next }
     { change = recorded[$1] > 0 ? ($2 / recorded[$1] - 1) * 100 : 0
       printf "%-26s %15d %+7.2f %%%s\n", $1, $2, change, (change > 3 ? "  SLOWER" : "")
       slower += change > 3 }
     END { exit slower > 0 }' bench/guard.txt "$now"
