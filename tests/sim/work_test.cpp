// Graphs of work: what waits for what, and what never can begin?
#include "sim/work.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace {

using sim::WorkFollowers;
using sim::WorkGraph;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

struct WorkTest : testing::Test {
    WorkGraph graph;
    WorkGraph::Index path() {
        sim::Stream stream;
        stream.name = "a writes b";
        return graph.add_path(stream);
    }
};

TEST_F(WorkTest, NodesAreNumberedInOrder) {
    const auto path = this->path();
    EXPECT_EQ(graph.transfer(path, 10), 0u);
    EXPECT_EQ(graph.compute(5), 1u);
    EXPECT_EQ(graph.barrier(), 2u);
    EXPECT_EQ(graph.name(0), "a writes b #0");
    EXPECT_EQ(graph.name(1), "compute #1");
    EXPECT_EQ(graph.name(2), "barrier #2");
}

TEST_F(WorkTest, ComputingByARateTakesWholePicoseconds) {
    graph.compute(1000, 3e12); // 333.3 ps
    EXPECT_EQ(graph.nodes()[0].time, 334u);
}

TEST_F(WorkTest, FollowersComeInTheOrderInWhichTheyWereTold) {
    for (int i = 0; i < 4; ++i) {
        graph.barrier();
    }
    graph.order(0, 3);
    graph.order(1, 3);
    graph.order(0, 2);
    const WorkFollowers followers(graph);
    EXPECT_THAT(std::vector(followers.begin(0), followers.end(0)), ElementsAre(3, 2));
    EXPECT_THAT(std::vector(followers.begin(2), followers.end(2)), IsEmpty());
    EXPECT_THAT(followers.waits_for(), ElementsAre(0, 0, 1, 2));
}

TEST_F(WorkTest, FindsWhatWaitsForItself) {
    for (int i = 0; i < 6; ++i) {
        graph.barrier();
    }
    graph.order(0, 1);
    graph.order(1, 2);
    EXPECT_THAT(graph.cycle(), IsEmpty());
    graph.order(2, 3);
    graph.order(3, 4);
    graph.order(4, 2); // 2, 3 and 4 wait for each other; 5 behind them is in no circle
    graph.order(4, 5);
    EXPECT_THAT(graph.cycle(), UnorderedElementsAre(2, 3, 4));
}

TEST_F(WorkTest, WhatOnlyWaitsForACircleIsNotInIt) {
    for (int i = 0; i < 4; ++i) {
        graph.barrier();
    }
    graph.order(2, 3);
    graph.order(3, 2);
    graph.order(3, 1);
    graph.order(1, 0);
    EXPECT_THAT(graph.cycle(), UnorderedElementsAre(2, 3));
}

TEST_F(WorkTest, NodeAfterItselfIsACircle) {
    graph.barrier();
    graph.order(0, 0);
    EXPECT_THAT(graph.cycle(), ElementsAre(0));
}

} // namespace
