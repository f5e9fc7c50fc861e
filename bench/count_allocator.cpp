// The allocator's operations without a clock, for callgrind to count: count_allocator LIVE PAIRS. The difference
// between two runs with different PAIRS is what the pairs cost; see docs/performance.md.

#include <cstdio>
#include <cstdlib>

#include "bench/crowded_allocator.h"

int main(int argc, char** argv) {
    if (argc != 3) {
        std::fputs("usage: count_allocator LIVE PAIRS\n", stderr);
        return 2;
    }
    bench::CrowdedAllocator allocator(std::atoi(argv[1]));
    const int pairs = std::atoi(argv[2]);
    for (int i = 0; i < pairs; ++i)
        allocator.allocate_and_free(i);
    std::printf("%zu live regions, %d pairs\n", allocator.live(), pairs);
}
