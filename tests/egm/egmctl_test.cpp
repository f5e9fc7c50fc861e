// egmctl: what does a person see on a host without EGM, and what does a script?

#include <cstdio>
#include <filesystem>
#include <string>

#include <sys/wait.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace {

using testing::HasSubstr;

struct Answer {
    int status = -1;
    std::string text;
};

struct EgmctlTest : testing::Test {
    const std::string program = std::string(EGMSIM_BINARY_DIR) + "/egmctl";

    void SetUp() override {
        if (!std::filesystem::exists(program))
            GTEST_SKIP() << program << " has not been built";
        if (std::filesystem::exists("/sys/class/egm"))
            GTEST_SKIP() << "this host has EGM, and its answers are its own";
    }

    Answer run(const std::string& arguments) const {
        Answer answer;
        FILE* const output = popen((program + " " + arguments + " 2>&1").c_str(), "r");
        if (!output)
            return answer;
        char buffer[4096];
        while (const std::size_t got = std::fread(buffer, 1, sizeof buffer, output))
            answer.text.append(buffer, got);
        const int status = pclose(output);
        answer.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
        return answer;
    }
};

TEST_F(EgmctlTest, ListSaysThatThereIsNoneAndNamesTheFallback) {
    const Answer answer = run("list");
    EXPECT_EQ(answer.status, 0);
    EXPECT_THAT(answer.text, HasSubstr("This host has no EGM carveout. Its VMs use ordinary memory"));
}

TEST_F(EgmctlTest, ListForProgramsHasASchemaVersion) {
    const Answer answer = run("list --json -");
    EXPECT_EQ(answer.status, 0);
    EXPECT_EQ(
        answer.text,
        "{\n  \"schema_version\": 1,\n  \"machine\": \"this host\",\n  \"modelled\": false,\n  \"carveouts\": []\n}\n");
}

TEST_F(EgmctlTest, ListComplainsAboutAFileThatCannotBeWritten) {
    const Answer answer = run("list --json /no/such/folder/list.json");
    EXPECT_EQ(answer.status, 1);
    EXPECT_THAT(answer.text, HasSubstr("cannot write /no/such/folder/list.json"));
}

TEST_F(EgmctlTest, DoctorFailsAndSaysWhatToDo) {
    const Answer answer = run("doctor");
    EXPECT_EQ(answer.status, 1);
    EXPECT_THAT(answer.text, HasSubstr("MISSING  carveout      none"));
    EXPECT_THAT(answer.text, HasSubstr("EGM is not usable on this machine."));
}

TEST_F(EgmctlTest, WrongCommandLineIsNeitherSuccessNorOne) {
    for (const char* arguments : {"", "lst", "list --jsn -"}) {
        const int status = run(arguments).status;
        EXPECT_NE(status, 0) << arguments;
        EXPECT_NE(status, 1) << arguments;
    }
    EXPECT_THAT(run("--help").text, HasSubstr("Examples:"));
    EXPECT_EQ(run("--version").text.substr(0, 7), "egmctl ");
}

TEST_F(EgmctlTest, OnRunsACommandOnAModelledMachineAndSaysSo) {
    for (const char* arguments : {"--on gb200-tray list", "list --on gb200-tray"}) {
        const Answer answer = run(arguments);
        EXPECT_EQ(answer.status, 0);
        EXPECT_THAT(answer.text, HasSubstr("modelled gb200-tray, Linux 6.18, driver shape E2, 64 KiB pages"));
        EXPECT_THAT(answer.text, HasSubstr("/dev/egm5         447 GiB  0018:01:00.0 0019:01:00.0"));
    }
}

} // namespace
