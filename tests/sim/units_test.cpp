// Units: is a quantity exactly what the text says, and what does a person read who got it wrong?
#include "sim/units.h"

#include <cstdint>
#include <limits>
#include <string>

#include <gtest/gtest.h>

namespace {

using namespace sim;

constexpr std::uint64_t kMax = std::numeric_limits<std::uint64_t>::max();

template <class T>
std::string fault(const Parsed<T>& parsed) {
    return parsed ? "no fault" : parsed.error().message + "; " + parsed.error().suggestion;
}

TEST(UnitsTest, SizesAreExactInBinaryAndDecimalUnits) {
    EXPECT_EQ(*parse_size("1 B"), 1u);
    EXPECT_EQ(*parse_size("64 KiB"), 64u * 1024);
    EXPECT_EQ(*parse_size("447 GiB"), 447ull << 30);
    EXPECT_EQ(*parse_size("2 TiB"), 2ull << 40);
    EXPECT_EQ(*parse_size("1 kB"), 1000u);
    EXPECT_EQ(*parse_size("120 GB"), 120'000'000'000u);
    EXPECT_EQ(*parse_size("3TB"), 3'000'000'000'000u);
    EXPECT_EQ(*parse_size("  1.5 MiB "), 3u << 19);
    EXPECT_EQ(*parse_size("0 B"), 0u);
}

TEST(UnitsTest, DecimalsDoNotPassThroughFloatingPoint) {
    // 46.7e9 and 0.1e-9 / 1e-12 are not representable as doubles.
    EXPECT_EQ(*parse_rate("46.7 GB/s"), 46'700'000'000u);
    EXPECT_EQ(*parse_time("0.1 ns"), 100u);
    EXPECT_EQ(*parse_time("48.5 ns"), 48'500u);
    EXPECT_EQ(*parse_time("9007199.254740993 ms"), 9'007'199'254'740'993u); // 2^53 + 1
}

TEST(UnitsTest, TheLargestValueFitsAndOneMoreDoesNot) {
    EXPECT_EQ(*parse_size("18446744073709551615 B"), kMax);
    EXPECT_EQ(fault(parse_size("18446744073709551616 B")).substr(0, 12), "is too large");
    EXPECT_EQ(*parse_size("16777215 TiB"), 16777215ull << 40);
    EXPECT_EQ(fault(parse_size("16777216 TiB")).substr(0, 12), "is too large");
    EXPECT_EQ(fault(parse_size("99999999999999999999 TiB")).substr(0, 12), "is too large");
}

TEST(UnitsTest, WhatIsNoWholeNumberIsRefusedAndTheNearestBelowProposed) {
    EXPECT_EQ(fault(parse_size("0.3 KiB")), "is not a whole number of bytes; write \"307 B\"");
    EXPECT_EQ(fault(parse_time("1.0005 ns")), "is not a whole number of picoseconds; write \"1 ns\"");
    EXPECT_EQ(*parse_size("0.5 KiB"), 512u);
    EXPECT_EQ(*parse_size("1.50000000000000000000000000 KiB"), 1536u); // trailing zeros say nothing
}

TEST(UnitsTest, AMissingUnitGetsTheLikelyOne) {
    EXPECT_EQ(fault(parse_rate("450")), "has no unit; write \"450 GB/s\"");
    EXPECT_EQ(fault(parse_time("300")), "has no unit; write \"300 ns\"");
    EXPECT_EQ(fault(parse_size("64")), "has no unit; write \"64 GiB\"");
    EXPECT_EQ(fault(parse_size("64", "KiB")), "has no unit; write \"64 KiB\"");
}

TEST(UnitsTest, AUnitOfAnotherKindIsNamed) {
    EXPECT_EQ(fault(parse_rate("450 ns")), "is a time, not a bandwidth; units of a bandwidth: TB/s GB/s MB/s kB/s B/s "
                                           "TiB/s GiB/s MiB/s KiB/s");
    EXPECT_EQ(fault(parse_size("450 GB/s")).substr(0, 28), "is a bandwidth, not a size; ");
    EXPECT_EQ(fault(parse_time("3 GiB")).substr(0, 23), "is a size, not a time; ");
}

TEST(UnitsTest, AnUnknownUnitGetsTheNearestOne) {
    EXPECT_EQ(fault(parse_rate("450 gb/s")), "has the unknown unit \"gb/s\"; write \"450 GB/s\"");
    EXPECT_EQ(fault(parse_size("64 kib")), "has the unknown unit \"kib\"; write \"64 KiB\"");
    EXPECT_EQ(fault(parse_time("3 nsec")).substr(0, 28), "has the unknown unit \"nsec\";");
    EXPECT_EQ(fault(parse_size("0x10 KiB")).substr(0, 20), "has the unknown unit");
}

TEST(UnitsTest, BitsAreNotBytes) {
    EXPECT_EQ(fault(parse_rate("400 Gb/s")), "counts bits, not bytes; write \"50 GB/s\"");
    EXPECT_EQ(fault(parse_rate("400 Gbit/s")), "counts bits, not bytes; write \"50 GB/s\"");
}

TEST(UnitsTest, WhatIsNoNumberIsRefused) {
    for (const char* text :
         {"", " ", "GiB", "fast", ".5 GiB", "1. GiB", "1_000 B", "1,5 GiB", "1e9 B", "+1 B", "nan ns"}) {
        EXPECT_FALSE(parse_size(text)) << text;
        EXPECT_FALSE(parse_rate(text)) << text;
        EXPECT_FALSE(parse_time(text)) << text;
    }
    EXPECT_EQ(fault(parse_time("-3 ns")), "is negative; write a time such as \"4 ns\"");
    EXPECT_EQ(fault(parse_size("123456789012345678901 B")).substr(0, 19), "has too many digits");
}

TEST(UnitsTest, ALinkRateIsEachWayUnlessItSaysTotal) {
    EXPECT_EQ(*parse_link_rate("450 GB/s"), 450'000'000'000u);
    EXPECT_EQ(*parse_link_rate("450 GB/s each way"), 450'000'000'000u);
    EXPECT_EQ(*parse_link_rate("900 GB/s total"), 450'000'000'000u);
    EXPECT_FALSE(parse_link_rate("3 B/s total"));
    EXPECT_FALSE(parse_rate("900 GB/s total")); // a memory has no directions to add up
}

TEST(UnitsTest, SharesArePercentOrBare) {
    EXPECT_DOUBLE_EQ(*parse_share("0.5 %"), 0.005);
    EXPECT_DOUBLE_EQ(*parse_share("94%"), 0.94);
    EXPECT_DOUBLE_EQ(*parse_share("0.33"), 0.33);
    EXPECT_FALSE(parse_share("half"));
    EXPECT_FALSE(parse_share("3 ns"));
}

TEST(UnitsTest, CountsAreWholeAndWithoutSign) {
    EXPECT_EQ(*parse_count("18446744073709551615"), kMax);
    for (const char* text : {"", "-1", "1.0", "0x10", "1 000", "18446744073709551616"}) {
        EXPECT_FALSE(parse_count(text)) << text;
    }
}

TEST(UnitsTest, WhatIsFormattedReadsBackAsTheSameValue) {
    for (const std::uint64_t value : {0ull, 1ull, 999ull, 1000ull, 1024ull, 1200ull, 65536ull, 46'700'000'000ull,
                                      447ull << 30, 120'000'000'000ull, 1ull << 40, 123'456'789'123ull, 1ull << 63}) {
        EXPECT_EQ(*parse_size(format_size(value)), value) << format_size(value);
        EXPECT_EQ(*parse_rate(format_rate(value)), value) << format_rate(value);
        EXPECT_EQ(*parse_time(format_time(value)), value) << format_time(value);
    }
    EXPECT_EQ(format_size(447ull << 30), "447 GiB");
    EXPECT_EQ(format_size(120'000'000'000), "120 GB");
    EXPECT_EQ(format_rate(46'700'000'000), "46.7 GB/s");
    EXPECT_EQ(format_time(1200), "1.2 ns");
}

} // namespace
