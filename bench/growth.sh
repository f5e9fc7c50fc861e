#!/usr/bin/env bash
# Whole-program figures: time, events, peak memory, for the fabrics that we ship, and growth with GPUs, burst size and
# streams. Prints one line a run; docs/performance.md has the figures of one machine.
set -euo pipefail
cd "$(dirname "$0")/.."
program=build/egmsim
json=$(mktemp)
trap 'rm -f "$json"' EXIT

# measure LABEL ARGUMENTS...
measure() {
    local label=$1
    shift
    local figures
    figures=$({ /usr/bin/time -f "%U %e %M" "$program" run "$@" --quiet --json "$json" >/dev/null; } 2>&1 | tail -n 1)
    python3 - "$label" $figures "$json" <<'P'
import json, sys
label, user, wall, kib, path = sys.argv[1:]
result = json.load(open(path))
group = result["traffic"][0]
total, bound = group["total_GB_per_s"], group["total_bound_GB_per_s"]
events = result["events"]
rate = f"{events / float(user) / 1e6:6.2f} M events/s" if events else " " * 17
print(f"{label:<40} {float(user):6.2f} s CPU {float(wall):6.2f} s  {int(kib) // 1024:4d} MB "
      f"{events:9d} events {rate}  {total:9.1f} GB/s {total / bound * 100:6.2f} % of the bound")
P
}

large=scenarios/large
nvl72=$large/nvl72-egm-all-to-all.yaml
for fidelity in transaction fluid; do
    measure "72 GPUs, $fidelity" $nvl72 --fidelity $fidelity
    measure "256 GPUs, $fidelity" $large/gh200-256-egm-all-to-all.yaml --fidelity $fidelity
    measure "576 GPUs, $fidelity" $large/nvl576-egm-all-to-all.yaml --fidelity $fidelity
done
for burst in 4 8 16; do
    measure "72 GPUs, bursts of $burst KiB" $nvl72 --set "traffic.0.burst=$burst KiB"
done
for gpus in 8 18 36 72; do
    measure "$gpus streams of 72 GPUs" $nvl72 --set "traffic.0.from=blackwell[0..$((gpus - 1))].sm"
done
for limit in 20 200 2000; do
    measure "72 GPUs, time_max $limit us" $nvl72 --set "measurement.time_max=$limit us"
done
