#!/usr/bin/env bash
# Digests of the JSON of every shipped scenario: a change of behaviour becomes a diff of bench/digests.txt.
#
#   bench/digest.sh                 compares with the recorded ones; exit code 1 and a list when they differ
#   bench/digest.sh --record        records them anew: read the diff
#   bench/digest.sh --program P     another build of egmsim, such as one at -O0 (bench/digest.sh --other-levels)
#   bench/digest.sh --other-levels  builds egmsim at -O0 in build-O0 and compares that
#
# Groups are cut short (10 us of simulated time), so that all take a few seconds.
set -euo pipefail
cd "$(dirname "$0")/.."
program=build/egmsim
record=false
while [ $# -gt 0 ]; do
    case "$1" in
    --record) record=true ;;
    --program) program=$2; shift ;;
    --other-levels)
        cmake -S . -B build-O0 -G Ninja -DCMAKE_BUILD_TYPE=Debug -DCMAKE_CXX_FLAGS_DEBUG=-O0 -DBUILD_TESTING=OFF >/dev/null
        cmake --build build-O0 --target egmsim
        program=build-O0/egmsim
        ;;
    *) sed -n '2,10p' "$0"; exit 2 ;;
    esac
    shift
done

now=$(mktemp)
trap 'rm -f "$now"' EXIT
for file in scenarios/*.yaml scenarios/large/nvl72-*.yaml; do
    # A scenario that shows a fault ends with exit code 3, and writes its JSON all the same.
    sum=$({ "$program" run "$file" --quiet --json - --set "measurement.time_max=10 us" 2>/dev/null || true; } | sha256sum)
    echo "${sum%% *}  ${file#scenarios/}" >>"$now"
done
if $record; then
    cp "$now" bench/digests.txt
elif ! diff bench/digests.txt "$now" >&2; then
    echo "Results have changed (<: recorded, >: now). If that was meant: bench/digest.sh --record" >&2
    exit 1
fi
