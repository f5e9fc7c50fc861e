// Forked jobs: what comes back of each, in which order, and what happens to those that fail or are interrupted?

#include "sim/forked.h"

#include <csignal>
#include <cstdlib>
#include <stdexcept>

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

namespace {

TEST(ForkedTest, AnswersComeInTheOrderOfTheJobsWhoeverEndsFirst) {
    std::vector<sim::ForkedJob> jobs;
    for (int i = 0; i < 20; ++i) {
        jobs.emplace_back([i] {
            ::usleep(static_cast<unsigned>(20 - i) * 500); // the first takes longest
            return std::to_string(i);
        });
    }
    std::size_t heard = 0;
    const auto answers = sim::run_forked(jobs, 3, [&](std::size_t job, const sim::ForkedAnswer& answer) {
        EXPECT_EQ(answer.text, std::to_string(job));
        ++heard;
    });
    ASSERT_EQ(answers.size(), 20u);
    for (std::size_t i = 0; i < 20; ++i) {
        EXPECT_EQ(answers[i].text, std::to_string(i));
        EXPECT_EQ(answers[i].error, "");
    }
    EXPECT_EQ(heard, 20u);
}

TEST(ForkedTest, TextsOfAnySizeComeBackWhole) {
    const std::string large(3 << 20, 'x'); // many times what a pipe holds
    const auto answers = sim::run_forked({[&] { return large; }, [] { return std::string(); }}, 2);
    EXPECT_EQ(answers[0].text, large);
    EXPECT_EQ(answers[1].text, "");
    EXPECT_EQ(answers[1].error, "");
}

TEST(ForkedTest, AFailureIsAnErrorOfItsJobOnly) {
    const auto answers = sim::run_forked({[]() -> std::string { throw std::runtime_error("no such machine"); },
                                          []() -> std::string { ::_exit(7); },
                                          []() -> std::string {
                                              ::raise(SIGKILL);
                                              return "";
                                          },
                                          []() -> std::string { return "well"; }},
                                         1);
    EXPECT_EQ(answers[0].error, "no such machine");
    EXPECT_EQ(answers[1].error, "ended with exit code 7");
    EXPECT_EQ(answers[2].error, "ended by signal 9 (Killed)");
    EXPECT_EQ(answers[3].text, "well");
}

TEST(ForkedTest, AJobChangesNothingInTheParent) {
    int value = 1;
    const auto answers = sim::run_forked({[&] { return std::to_string(++value); }});
    EXPECT_EQ(answers[0].text, "2");
    EXPECT_EQ(value, 1);
}

TEST(ForkedTest, NoMoreThanSoManyRunAtATime) {
    int ends[2];
    ASSERT_EQ(::pipe(ends), 0);
    const std::vector<sim::ForkedJob> jobs(6, [&] {
        EXPECT_EQ(::write(ends[1], "b", 1), 1); // begins
        ::usleep(2000);
        EXPECT_EQ(::write(ends[1], "e", 1), 1); // ends
        return std::string();
    });
    sim::run_forked(jobs, 2);
    ::close(ends[1]);
    int running = 0, most = 0;
    for (char c = 0; ::read(ends[0], &c, 1) == 1;) {
        running += c == 'b' ? 1 : -1;
        most = std::max(most, running);
    }
    EXPECT_LE(most, 2);
    EXPECT_EQ(running, 0);
    ::close(ends[0]);
}

TEST(ForkedTest, TwoRunSideBySide) {
    int here[2], there[2];
    ASSERT_EQ(::pipe(here), 0);
    ASSERT_EQ(::pipe(there), 0);
    const auto meet = [](int say, int hear) -> std::string {
        pollfd other{hear, POLLIN, 0};
        const bool said = ::write(say, "x", 1) == 1;
        return said && ::poll(&other, 1, 60'000) == 1 ? "met" : "was alone for a minute";
    };
    const auto answers =
        sim::run_forked({[&] { return meet(here[1], there[0]); }, [&] { return meet(there[1], here[0]); }}, 2);
    EXPECT_EQ(answers[0].text, "met");
    EXPECT_EQ(answers[1].text, "met");
    for (const int fd : {here[0], here[1], there[0], there[1]}) {
        ::close(fd);
    }
}

TEST(ForkedTest, AnInterruptIsPassedOnAndNothingFurtherBegins) {
    const pid_t parent = ::getpid();
    struct sigaction before {};
    sigaction(SIGINT, nullptr, &before); // a shell's background job ignores it
    std::vector<sim::ForkedJob> jobs{[parent] {
        ::kill(parent, SIGINT);
        ::sleep(60); // until the parent passes it on
        return std::string();
    }};
    jobs.resize(4, [] { return std::string("began"); });
    const auto answers = sim::run_forked(jobs, 1);
    EXPECT_EQ(answers[0].error, "ended by signal 2 (Interrupt)");
    for (const auto& answer : answers) {
        EXPECT_TRUE(answer.interrupted);
        EXPECT_EQ(answer.text, "");
    }
    struct sigaction now {};
    sigaction(SIGINT, nullptr, &now);
    EXPECT_EQ(now.sa_handler, before.sa_handler);
}

TEST(ForkedTest, NoChildOutlivesTheParent) {
    int ends[2];
    ASSERT_EQ(::pipe(ends), 0);
    const pid_t pid = ::fork();
    if (pid == 0) {
        ::close(ends[0]);
        sim::run_forked({[] {
            ::kill(::getppid(), SIGKILL);
            ::sleep(60);
            return std::string();
        }});
        ::_exit(0);
    }
    ::close(ends[1]);
    char c = 0;
    EXPECT_EQ(::read(ends[0], &c, 1), 0); // both are gone: nobody has the other end any more
    ::close(ends[0]);
    ::waitpid(pid, nullptr, 0);
}

} // namespace
