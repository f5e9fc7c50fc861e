#include "egmctl_program.h"

#include <cstdlib>
#include <fstream>
#include <sstream>

#include <sys/wait.h>

namespace fs = std::filesystem;

namespace {

fs::path fresh_folder() {
    std::string name = (fs::temp_directory_path() / "egmctl-test-XXXXXX").string();
    EXPECT_NE(::mkdtemp(name.data()), nullptr);
    return name;
}

} // namespace

EgmctlProgram::EgmctlProgram() : folder(fresh_folder()) {}

EgmctlProgram::~EgmctlProgram() {
    std::error_code ignored;
    fs::remove_all(folder, ignored);
}

EgmctlProgram::Answer EgmctlProgram::run(const std::string& arguments) const {
    const std::string command =
        "cd " + folder.string() + " && " + EGMSIM_BINARY_DIR + "/egmctl " + arguments + " >.out 2>.err";
    const int status = std::system(command.c_str());
    return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, read(folder / ".out"), read(folder / ".err")};
}

nlohmann::json EgmctlProgram::json(const std::string& arguments, int status) const {
    const Answer answer = run(arguments + " --json -");
    EXPECT_EQ(answer.status, status) << arguments << "\n" << answer.err;
    auto json = nlohmann::json::parse(answer.out, nullptr, false);
    EXPECT_FALSE(json.is_discarded()) << arguments << " prints no JSON: " << answer.out.substr(0, 200);
    return json;
}

std::string EgmctlProgram::read(const fs::path& path) {
    std::ostringstream text;
    text << std::ifstream(path).rdbuf();
    return text.str();
}
