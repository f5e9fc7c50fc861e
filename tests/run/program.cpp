#include "tests/run/program.h"

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <sstream>

#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

namespace fs = std::filesystem;

namespace {

fs::path fresh_directory() {
    std::string name = (fs::temp_directory_path() / "egmsim-test-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) {
        ADD_FAILURE() << "cannot make a directory " << name;
    }
    return name;
}

struct Pipe {
    std::array<int, 2> ends{-1, -1};

    Pipe() { EXPECT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0); }
    ~Pipe() {
        for (const int end : ends) {
            close(end);
        }
    }
    Pipe(const Pipe&) = delete;
    Pipe& operator=(const Pipe&) = delete;

    int reader() const { return ends[0]; }
    int writer() const { return ends[1]; }
    void close_writer() { close(std::exchange(ends[1], -1)); }
    static void close(int end) {
        if (end >= 0) {
            ::close(end);
        }
    }
};

} // namespace

ProgramTest::ProgramTest() : directory(fresh_directory()) {}

ProgramTest::~ProgramTest() {
    std::error_code ignored;
    fs::remove_all(directory, ignored);
}

ProgramTest::Answer ProgramTest::run(const std::vector<std::string>& arguments, const std::string& interrupt) const {
    const std::string program = std::string(EGMSIM_BINARY_DIR) + "/egmsim";
    std::vector<char*> words{const_cast<char*>(program.c_str())};
    for (const std::string& argument : arguments) {
        words.push_back(const_cast<char*>(argument.c_str()));
    }
    words.push_back(nullptr);
    Pipe out, err;
    const pid_t child = ::fork();
    if (child == 0) {
        ::dup2(out.writer(), STDOUT_FILENO);
        ::dup2(err.writer(), STDERR_FILENO);
        if (::chdir(directory.c_str()) == 0) {
            ::execv(program.c_str(), words.data());
        }
        ::_exit(127);
    }
    out.close_writer();
    err.close_writer();
    Answer answer;
    bool interrupted = interrupt.empty();
    std::array<pollfd, 2> open{pollfd{out.reader(), POLLIN, 0}, pollfd{err.reader(), POLLIN, 0}};
    while (open[0].fd >= 0 || open[1].fd >= 0) {
        ::poll(open.data(), open.size(), -1);
        for (pollfd& from : open) {
            if (from.fd < 0 || from.revents == 0) {
                continue;
            }
            std::array<char, 4096> buffer;
            const auto got = ::read(from.fd, buffer.data(), buffer.size());
            (&from == open.data() ? answer.out : answer.err)
                .append(buffer.data(), got > 0 ? static_cast<std::size_t>(got) : 0);
            if (got <= 0) {
                from.fd = -1;
            }
        }
        if (!interrupted && answer.err.find(interrupt) != std::string::npos) {
            interrupted = true;
            ::kill(child, SIGINT);
        }
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    answer.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    return answer;
}

std::string ProgramTest::file(const std::string& name, const std::string& text) const {
    std::ofstream(directory / name) << text;
    return path(name);
}

std::string ProgramTest::read(const fs::path& path) {
    std::ostringstream text;
    text << std::ifstream(path).rdbuf();
    return text.str();
}

nlohmann::json ProgramTest::parse(const std::string& text) {
    auto json = nlohmann::json::parse(text, nullptr, false);
    EXPECT_FALSE(json.is_discarded()) << "no JSON: " << text.substr(0, 200);
    return json;
}

std::vector<std::string> ProgramTest::files_of(const std::string& folder) {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(fs::path(EGMSIM_SOURCE_DIR) / folder)) {
        if (entry.path().extension() == ".yaml") {
            names.push_back(entry.path().filename().string());
        }
    }
    std::sort(names.begin(), names.end());
    return names;
}
