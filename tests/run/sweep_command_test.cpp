// `egmsim sweep`: is each point what a run of its own says, and is nothing lost when one fails?
#include "tests/run/program.h"

#include <memory>

#include <sqlite3.h>

namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

struct SweepCommandTest : ProgramTest {
    /// Two GPU kernels in one memory; by rates, which takes no time.
    std::string scenario = file("s.yaml", "scenario: s\nmachine: gh200\ntraffic:\n  - group: shared\n    streams:\n"
                                          "      - {name: a, from: hopper0.sm, op: read, source: grace0.egm}\n"
                                          "      - {name: b, from: grace0.cpu, op: read, source: grace0.system}\n");
    static constexpr const char* kCap = "traffic.shared.streams.a.rate_cap";

    Answer sweep(std::vector<std::string> arguments) const {
        arguments.insert(arguments.begin(), {"sweep", scenario, "--fidelity", "fluid"});
        return run(arguments);
    }
    nlohmann::json sweep_json(std::vector<std::string> arguments) const {
        arguments.insert(arguments.end(), {"--json", "-"});
        const Answer answer = sweep(arguments);
        EXPECT_EQ(answer.status, 0) << answer.err;
        return parse(answer.out);
    }
    static std::string over(const std::string& values) { return std::string(kCap) + "=" + values; }

    /// The first column of every row of a query, one after the other.
    std::vector<std::string> query(const std::string& database, const std::string& sql) const {
        sqlite3* handle = nullptr;
        EXPECT_EQ(sqlite3_open_v2(path(database).c_str(), &handle, SQLITE_OPEN_READONLY, nullptr), SQLITE_OK);
        const std::unique_ptr<sqlite3, int (*)(sqlite3*)> closes(handle, sqlite3_close);
        std::vector<std::string> rows;
        char* why = nullptr;
        sqlite3_exec(
            handle, sql.c_str(),
            [](void* into, int, char** cells, char**) {
                static_cast<std::vector<std::string>*>(into)->emplace_back(cells[0] != nullptr ? cells[0] : "NULL");
                return 0;
            },
            &rows, &why);
        EXPECT_EQ(why, nullptr) << why;
        sqlite3_free(why);
        return rows;
    }
};

TEST_F(SweepCommandTest, EachPointIsWhatARunOfItsOwnSays) {
    const auto json = sweep_json(
        {"--over", over("50..150 step 50 GB/s"), "--show", "a/value", "--show", "shared/total", "--show", "b/limit"});
    ASSERT_EQ(json["points"].size(), 3u);
    for (const auto& point : json["points"]) {
        const std::string cap = point["at"][kCap];
        const Answer alone = run({"run", scenario, "--fidelity", "fluid", "--json", "-", "--set", over(cap)});
        const auto group = parse(alone.out)["traffic"][0];
        EXPECT_EQ(point["figures"]["a/value"], group["streams"][0]["value"]) << cap;
        EXPECT_EQ(point["figures"]["shared/total"], group["total_GB_per_s"]) << cap;
        EXPECT_EQ(point["figures"]["b/limit"], group["streams"][1]["binding"]["resource"]) << cap;
        EXPECT_EQ(point["failed"], "");
    }
    EXPECT_EQ(json["points"][0]["figures"]["a/value"], 50);
    EXPECT_EQ(json["figures"][0], nlohmann::json::parse(R"({"name": "a/value", "unit": "GB/s"})"));
}

TEST_F(SweepCommandTest, MeasuredPointsAreThoseOfRunsToo) {
    const std::vector<std::string> set{"--set", "measurement.time_max=20 us"};
    Answer answer = run(
        {"sweep", scenario, "--over", over("100 GB/s, 400 GB/s"), "--json", "-", "--show", "b/p99", set[0], set[1]});
    const auto points = parse(answer.out)["points"];
    answer = run({"run", scenario, "--json", "-", "--set", over("400 GB/s"), set[0], set[1]});
    const auto spread = parse(answer.out)["traffic"][0]["streams"][1]["latency_spread_ns"];
    EXPECT_EQ(points[1]["figures"]["b/p99"], spread["p99"]);
    EXPECT_LT(points[0]["figures"]["b/p99"], spread["p99"]) << "less is asked of the same memory";
}

TEST_F(SweepCommandTest, SameBytesHoweverManyRunAtATime) {
    std::string first;
    for (const char* jobs : {"1", "3"}) {
        const Answer answer = sweep({"--over", over("10..90 step 20 GB/s"), "--over", "seed=1,2", "--jobs", jobs,
                                     "--json", "out.json", "--csv", "out.csv"});
        EXPECT_EQ(answer.status, 0) << answer.err;
        const std::string all = answer.out + read(path("out.json")) + read(path("out.csv"));
        EXPECT_TRUE(first.empty() || first == all);
        first = all;
    }
}

TEST_F(SweepCommandTest, FailedPointIsSaidAndTheOthersStand) {
    const std::string vm = file("vm.yaml", "scenario: vm\nmachine: gh200\nsoftware:\n  compare_native: false\n  vms:\n"
                                           "    - {name: vm0, memory: [{of: grace0.egm}], gpus: [hopper0]}\n"
                                           "traffic:\n  - group: g\n    streams:\n"
                                           "      - {name: a, from: hopper0.sm, op: read, source: grace0.egm}\n");
    // The carveout has 104 GiB.
    const Answer answer = run({"sweep", vm, "--fidelity", "fluid", "--over",
                               "software.vms.vm0.memory.0.size=32 GiB, 128 GiB, 64 GiB", "--csv", "out.csv"});
    EXPECT_EQ(answer.status, 3);
    EXPECT_THAT(answer.out, AllOf(HasSubstr("\n128 GiB                  failed\n"),
                                  HasSubstr("memory.0.size 128 GiB: bring-up failed: ENOSPC")));
    const std::string csv = read(path("out.csv"));
    EXPECT_THAT(csv, HasSubstr("software.vms.vm0.memory.0.size,failed,g/a/value [GB/s]\r\n32 GiB,,4"));
    EXPECT_THAT(csv, HasSubstr("\r\n128 GiB,\"bring-up failed: ENOSPC"));
    EXPECT_THAT(csv, HasSubstr("\r\n64 GiB,,4"));
}

TEST_F(SweepCommandTest, FirstPointMayFailToo) {
    const Answer answer = run({"sweep",
                               file("vm.yaml", "scenario: vm\nmachine: gh200\nsoftware:\n  vms:\n"
                                               "    - {name: vm0, memory: [{of: grace0.egm}], gpus: [hopper0]}\n"),
                               "--over", "software.vms.vm0.memory.0.size=128 GiB, 64 GiB", "--no-plot"});
    EXPECT_EQ(answer.status, 3);
    EXPECT_THAT(answer.out, HasSubstr("vm0/bring_up [s]\n128 GiB                  failed\n64 GiB  "));
}

TEST_F(SweepCommandTest, ScenarioMayAskTheWholeQuestion) {
    scenario = file("q.yaml", read(scenario) + "sweep:\n  over:\n"
                                               "    - {name: cap, path: traffic.shared.streams.a.rate_cap, "
                                               "values: [100..400 step 100 GB/s, ~]}\n"
                                               "    - name: cores\n      cases:\n"
                                               "        few: {traffic.shared.streams.b.threads: 4}\n"
                                               "        all: {}\n"
                                               "  show: [a/value, b/value]\n  knee: b/value against a/value\n");
    const Answer answer = sweep({});
    EXPECT_EQ(answer.status, 0) << answer.err;
    EXPECT_THAT(answer.out, AllOf(HasSubstr("s on gh200: 10 points (seed 1; fidelity fluid)"), HasSubstr("as is"),
                                  HasSubstr("● cores few"), HasSubstr("○ cores all"),
                                  HasSubstr("No knee of cores few: b/value against a/value: the figure is the same")));
    EXPECT_EQ(run({"run", scenario, "--fidelity", "fluid"}).status, 0) << "and still be run as it is";
    EXPECT_EQ(run({"check", scenario}).status, 0);
    // What the command line says comes before what the scenario says.
    const Answer other = sweep({"--over", over("50 GB/s, 60 GB/s"), "--show", "shared/total"});
    EXPECT_THAT(other.out, AllOf(HasSubstr("2 points"), HasSubstr("shared/total"), Not(HasSubstr("cores"))));
}

TEST_F(SweepCommandTest, KneeOfACapIsWhereItNoLongerBinds) {
    // What a gets is its cap until it has its share of the LPDDR5X, and then no more: a straight line and a flat one.
    const auto json = sweep_json(
        {"--set", "traffic.shared.streams.b.threads=20", "--over", over("20..400 step 20 GB/s"), "--knee", "a/value"});
    ASSERT_EQ(json["knees"].size(), 1u);
    const auto knee = json["knees"][0];
    ASSERT_TRUE(knee["found"]) << knee;
    const auto value = [&](std::size_t point) { return json["points"][point]["figures"]["a/value"].get<double>(); };
    std::size_t corner = 0; // the first point at which the cap does not bind
    while (value(corner) > 20. * static_cast<double>(corner + 1) - 1e-6) {
        ++corner;
    }
    EXPECT_EQ(knee["at"][kCap], json["points"][corner]["at"][kCap]) << json["points"];
    // Up to the corner all of the way up, in so many of the 19 steps.
    EXPECT_NEAR(knee["distance"], 1 - static_cast<double>(corner) / 19, 1e-9);
}

TEST_F(SweepCommandTest, WrongQuestionsAreRefusedBeforeAnythingRuns) {
    const auto refused = [&](const std::vector<std::string>& arguments, const std::string& why) {
        const Answer answer = sweep(arguments);
        EXPECT_EQ(answer.status, 2);
        EXPECT_EQ(answer.out, "");
        EXPECT_THAT(answer.err, HasSubstr(why));
    };
    refused({}, "nothing to sweep over; write --over");
    refused({"--over", "rate_cap"}, "--over rate_cap: error: is no \"path=values\"");
    refused({"--over", over("1 GB/s, fast")}, "rate_cap \"fast\" is not a number");
    refused({"--over", "traffic.shared.streams.c.rate_cap=1 GB/s"}, "has no entry \"c\"");
    refused({"--over", over("1 GB/s, 1 GB/s")}, "has the value \"1 GB/s\" twice");
    refused({"--over", over("1 GB/s"), "--show", "a/valeu"}, "did you mean \"value\"");
    refused({"--over", over("1 GB/s"), "--show", "c/value"}, "no stream, group or VM is called \"c\"");
    refused({"--over", over("1 GB/s"), "--knee", "a/value against d/value"}, "called \"d\"");
    refused({"--over", over("1 GB/s"), "--set", "traffic.shared.streams.b.threads=-1"}, "threads \"-1\"");
}

TEST_F(SweepCommandTest, FigureOfAStreamThatOnlySomePointsHave) {
    scenario = file("q.yaml", read(scenario) + "sweep:\n  over:\n    - cases:\n        two: {}\n"
                                               "        one: {traffic.shared.streams: [{name: c, from: hopper0.sm, "
                                               "op: read, source: grace0.egm}]}\n");
    const auto json = sweep_json({"--show", "c/value", "--show", "a/value"});
    EXPECT_FALSE(json["points"][0]["figures"].contains("c/value"));
    EXPECT_TRUE(json["points"][1]["figures"].contains("c/value"));
    EXPECT_FALSE(json["points"][1]["figures"].contains("a/value"));
}

TEST_F(SweepCommandTest, DatabaseTakesSweepAfterSweep) {
    for (const char* values : {"10 GB/s, 20 GB/s", "30 GB/s"}) {
        const Answer answer = sweep({"--over", over(values), "--sqlite", "all.db", "--quiet"});
        EXPECT_EQ(answer.status, 0) << answer.err;
        EXPECT_EQ(answer.out, "");
    }
    EXPECT_THAT(query("all.db", "SELECT count(*) FROM run"), ElementsAre("2"));
    EXPECT_THAT(query("all.db", "SELECT c.value || ' ' || f.number || ' ' || f.unit FROM figure f JOIN coordinate c "
                                "ON c.point = f.point JOIN point p ON p.id = f.point "
                                "WHERE f.stream = 'a' AND f.name = 'value' ORDER BY p.run, p.number"),
                ElementsAre("10 GB/s 10.0 GB/s", "20 GB/s 20.0 GB/s", "30 GB/s 30.0 GB/s"));
    EXPECT_THAT(query("all.db", "SELECT path FROM axis WHERE run = 2"), ElementsAre(kCap));
    EXPECT_THAT(query("all.db", "PRAGMA integrity_check"), ElementsAre("ok"));
    EXPECT_THAT(query("all.db", "PRAGMA foreign_key_check"), ElementsAre());
}

TEST_F(SweepCommandTest, DatabaseThatIsNotOursIsLeftAlone) {
    const std::string other = "no database at all, but long enough to be looked at as one: " + std::string(600, 'x');
    file("other.db", other);
    const Answer answer = sweep({"--over", over("10 GB/s"), "--sqlite", "other.db", "--quiet"});
    EXPECT_EQ(answer.status, 2);
    EXPECT_THAT(answer.err, HasSubstr("other.db: file is not a database"));
    EXPECT_THAT(answer.out, HasSubstr("10.0")) << "nobody would have seen it";
    EXPECT_EQ(read(path("other.db")), other);

    sqlite3* handle = nullptr;
    sqlite3_open(path("foreign.db").c_str(), &handle);
    sqlite3_exec(handle, "CREATE TABLE run (id INTEGER)", nullptr, nullptr, nullptr);
    sqlite3_close(handle);
    EXPECT_THAT(sweep({"--over", over("10 GB/s"), "--sqlite", "foreign.db"}).err,
                HasSubstr("a database of another program"));
}

TEST_F(SweepCommandTest, InterruptedItPrintsWhatIsKnown) {
    const Answer answer =
        run({"sweep", scenario, "--progress", "--jobs", "1", "--set", "measurement.relative_error=0.01 %", "--set",
             "measurement.time_max=1 s", "--over", "traffic.shared.streams.a.rate_cap=1 GB/s, 400 GB/s, 401 GB/s",
             "--over", "measurement.time_max=1 us, 1 s"},
            "1 of 6 points");
    EXPECT_EQ(answer.status, 130) << answer.err;
    EXPECT_THAT(answer.out,
                AllOf(HasSubstr("interrupted\n"), HasSubstr("Interrupted: the points above"), HasSubstr("1 GB/s    ")));
}

} // namespace
