// Rows of measurements: what do their cells say, and which message does one get that says nothing?

#include <algorithm>

#include <gtest/gtest.h>

#include "sim/validate/measured_row.h"
#include "sim/validate/memory_words.h"
#include "sim/validate/operation_words.h"

namespace {

using namespace sim::validate;
using Kind = RowOperation::Kind;

RowOperation good(const std::string& text) {
    OperationFault fault;
    const auto row = parse_operation(text, fault);
    EXPECT_TRUE(row) << text << ": " << fault.message;
    return row.value_or(RowOperation{});
}

std::string bad(const std::string& text) {
    OperationFault fault;
    EXPECT_FALSE(parse_operation(text, fault)) << text;
    return fault.message + "; " + fault.suggestion;
}

TEST(OperationWordsTest, PlainOperations) {
    EXPECT_EQ(good("read").operation, sim::Operation::kRead);
    EXPECT_EQ(good("OpenCL coalesced write").operation, sim::Operation::kWrite);
    EXPECT_EQ(good("pointer-chase read").operation, sim::Operation::kPointerChase);
    EXPECT_EQ(good("random read").operation, sim::Operation::kRandomRead);
    EXPECT_TRUE(good("sequential read, one thread").one_thread);
}

TEST(OperationWordsTest, ACopyOfStreamCountsBothWaysAndAnyOtherCopyDoesNot) {
    EXPECT_EQ(good("STREAM copy").operation, sim::Operation::kStreamCopy);
    EXPECT_EQ(good("BabelStream copy").operation, sim::Operation::kStreamCopy);
    EXPECT_EQ(good("BabelStream mul").operation, sim::Operation::kStreamScale);
    EXPECT_EQ(good("cudaMemcpy D2D").operation, sim::Operation::kCopy);
    EXPECT_EQ(good("copy").operation, sim::Operation::kCopy);
}

TEST(OperationWordsTest, NvbandwidthByAnySpelling) {
    for (const char* name : {"nvbandwidth H2D CE", "host_to_device_memcpy_ce", "nvbandwidth host to device memcpy CE",
                             "Host-to-Device memcpy (CE)"}) {
        const RowOperation row = good(name);
        EXPECT_EQ(row.operation, sim::Operation::kCopy) << name;
        EXPECT_EQ(row.direction, RowOperation::Direction::kHostToDevice) << name;
        EXPECT_EQ(row.engine, sim::Engine::kCopyEngine) << name;
    }
    EXPECT_TRUE(good("device_to_device_bidirectional_memcpy_read_sm").bidirectional);
    EXPECT_EQ(good("nvbandwidth D2D read CE").operation, sim::Operation::kCopy); // "read": by the target's engine
    EXPECT_TRUE(good("host_device_latency_sm").latency);
    EXPECT_EQ(good("all_to_one_write_ce").shape, RowOperation::Shape::kFanIn);
    EXPECT_EQ(good("device_local_copy").operation, sim::Operation::kCopy);
}

TEST(OperationWordsTest, SweepsPingPongsCollectivesAndPrograms) {
    EXPECT_EQ(good("max(read|write) over 1..64 threads").sweep, std::make_pair(1u, 64u));
    const RowOperation flag = good("atomic ping-pong device-host");
    EXPECT_EQ(flag.kind, Kind::kPingPong);
    EXPECT_EQ(flag.from, RowOperation::Player::kDevice);
    EXPECT_EQ(flag.to, RowOperation::Player::kHost);
    EXPECT_EQ(good("NCCL all-reduce ring").collective, "all-reduce");
    EXPECT_EQ(good("alltoall_perf").collective, "all-to-all");
    EXPECT_EQ(good("cuBLAS GEMM TF32").precision, "TF32");
    EXPECT_EQ(good("Llama-2-7B FP32 generate, up to 100 tokens, batch 1").tokens, 100u);
    EXPECT_TRUE(good("ib_write_lat other rack").other_rack);
}

TEST(OperationWordsTest, Companions) {
    const RowOperation row = good("cudaMemcpy H2D with background CPU STREAM triad LPDDR.local 32 threads");
    ASSERT_EQ(row.background.size(), 1u);
    EXPECT_EQ(row.background[0].engine, sim::Engine::kCpu);
    EXPECT_EQ(row.background[0].operation, sim::Operation::kStreamTriad);
    EXPECT_EQ(row.background[0].threads, 32u);
    const RowOperation two =
        good("read with CE copy HBM.local to LPDDR.local and CPU write 100 GB/s in the background");
    ASSERT_EQ(two.background.size(), 2u);
    EXPECT_EQ(two.background[0].source, "hbm.local");
    EXPECT_EQ(two.background[0].target, "lpddr.local");
    EXPECT_EQ(two.background[1].bytes_per_second, 100'000'000'000u);
    EXPECT_EQ(good("read fan-in 4").fan, 4u);
    EXPECT_TRUE(good("read, 2 GPUs at once, in VM").vm);
    EXPECT_EQ(good("H2D CE bidirectional total").counting, RowOperation::Counting::kSum);
}

TEST(OperationWordsTest, AnUnknownWordIsAFaultWithASuggestion) {
    EXPECT_EQ(bad("pinter-chase read"),
              "operation: the word \"pinter\" is not known; did you mean \"pointer chase read\"?");
    EXPECT_EQ(bad("raed"), "operation: the word \"raed\" is not known; did you mean \"read\"?");
    EXPECT_EQ(bad("read with background zebras"),
              "background: the word \"zebras\" is not known; write as in \"with background CPU read LPDDR.local\", "
              "\"with background CE copy HBM.local to LPDDR.local\"");
    EXPECT_EQ(bad("nvbandwidth CE"),
              "operation: it does not say what is done; write read, write, copy, H2D, pointer-chase ...");
    EXPECT_EQ(bad("GEMM"), "operation: a GEMM without its precision; write TF32, FP16, FP32 or FP64");
}

TEST(MemoryWordsTest, EveryMemoryAndItsRole) {
    std::string fault, suggestion;
    EXPECT_EQ(parse_memories("EGM.remote", fault, suggestion).at(0).role, MemoryWord::Role::kRemote);
    EXPECT_EQ(parse_memories("ddr5.HOST", fault, suggestion).at(0).kind, MemoryWord::Kind::kHost);
    EXPECT_EQ(parse_memories("L1 (own SM)", fault, suggestion).at(0).level, 1u);
    EXPECT_EQ(parse_memories("hopper1.hbm", fault, suggestion).at(0).exact, "hopper1.hbm");
    const auto operands = parse_memories("A=HBM.local;B=LPDDR.peer", fault, suggestion);
    ASSERT_EQ(operands.size(), 2u);
    EXPECT_EQ(operands[1].operand, 'B');
    EXPECT_EQ(operands[1].role, MemoryWord::Role::kPeer);
    EXPECT_TRUE(parse_memories("", fault, suggestion).empty());
    EXPECT_EQ(fault, "");
    parse_memories("HMB.local", fault, suggestion);
    EXPECT_EQ(fault + "; " + suggestion, "memory \"HMB.local\" is not known; did you mean \"HBM.local\"?");
}

std::string faults(const std::string& csv) {
    sim::Diagnostics diagnostics;
    read_measured_rows(csv, "rows.csv", diagnostics);
    std::string text;
    for (const sim::Diagnostic& each : diagnostics.all()) {
        text += sim::to_text(each) + "\n";
    }
    return text;
}

TEST(MeasuredRowTest, CellsInQuotesKeepCommasQuotesAndLines) {
    sim::Diagnostics diagnostics;
    const auto rows = read_measured_rows("\xEF\xBB\xBFid,system,initiator,engine,operation,metric,value,unit,note\r\n"
                                         "# a comment\n"
                                         "a,\"x, y\",Grace,CPU,read,latency,1.5,us,\"two\nlines \"\"quoted\"\"\"\r\n\n"
                                         "b,x,Grace,CPU,read,bandwidth,2,GiB/s,\n",
                                         "rows.csv", diagnostics);
    EXPECT_TRUE(diagnostics.empty());
    ASSERT_EQ(rows.size(), 2u);
    EXPECT_EQ(rows[0].text(kSystem), "x, y");
    EXPECT_EQ(rows[0].text(kNote), "two\nlines \"quoted\"");
    EXPECT_EQ(rows[0].value, 1.5e6); // 1.5 us in picoseconds
    EXPECT_EQ(rows[1].value, 2 * 1073741824.0);
    EXPECT_EQ(rows[1].cells[kId].where.line, 6);
}

TEST(MeasuredRowTest, EveryFaultOfAFileIsToldWithItsPlace) {
    EXPECT_EQ(faults("id,sytem,initiator,engine,operation,metric,value\n"),
              "rows.csv:1:1: error: missing columns: system, unit; the first line names them, as that of "
              "validation/calibration.csv does\n"
              "rows.csv:1:4: error: there is no column \"sytem\"; did you mean \"system\"?\n");
    const std::string head = "id,system,initiator,engine,operation,metric,value,unit,page_size\n";
    EXPECT_EQ(faults(head + "a,s,Grace,CPU,read,bandwith,1,GB/s,\n"),
              "rows.csv:2:20: error: row a: there is no metric \"bandwith\"; did you mean \"bandwidth\"?\n");
    EXPECT_EQ(faults(head + "a,s,Grace,CPU,read,bandwidth,1,GBs,\n"),
              "rows.csv:2:32: error: row a: \"GBs\" is no unit of bandwidth; did you mean \"GB/s\"?\n");
    EXPECT_EQ(faults(head + "a,s,Grace,CPU,read,bandwidth,fast,GB/s,64KiB\n"),
              "rows.csv:2:30: error: row a: value \"fast\" is no number above 0; write it with a decimal point and "
              "without its unit\n"
              "rows.csv:2:40: error: row a: page_size \"64KiB\" is no whole number; write bytes, such as 65536\n");
    EXPECT_EQ(faults(head + "a,,Grace,CPU,read,bandwidth,,GB/s,\n"),
              "rows.csv:2:3: error: row a: system is empty\nrows.csv:2:29: error: row a: value is empty\n");
    EXPECT_EQ(faults(head + "a,s,Grace,CPU,read,bandwidth,1,GB/s,\na,s,Grace,CPU,read,bandwidth,1,GB/s,\n"),
              "rows.csv:3:1: error: row a: id \"a\" was used in line 2; give each row an id of its own\n");
    EXPECT_EQ(faults(head + "a,s,Grace,CPU,read\n").substr(0, 74),
              "rows.csv:2:1: error: row a: 5 cells where the head has 9; put cells with a");
    EXPECT_EQ(faults(head + "a,\"s,Grace\n"), "rows.csv:1:1: error: the file has a head and no rows\n"
                                              "rows.csv:2:3: error: a quote that is never closed; close the cell with "
                                              "a quote\n");
    EXPECT_EQ(faults(""), "rows.csv:1:1: error: the file is empty; its first line names the columns\n");
}

} // namespace
