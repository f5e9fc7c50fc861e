// The contract suite on the running kernel. As the first process of a guest it sets the guest up, runs the suite in a
// child, prints the answers between two marks, and switches the guest off. Started by hand, as root on a host with the
// edu device bound to vfio-pci, it runs the suite only.
#include <cstdio>
#include <cstdlib>

#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/contract/answers.h"
#include "tests/contract/real/guest.h"
#include "tests/contract/real/linux_world.h"

namespace {

/// The marks end in characters that no kernel message has at its end.
constexpr const char* kBegin = "<<<contract answers";
constexpr const char* kEnd = "contract answers>>>";

int run_suite() {
    contract::LinuxWorld world;
    contract::Answers answers;
    utsname names{};
    ::uname(&names);
    const char* const kernel = std::getenv("CONTRACT_KERNEL"); // an unknown kernel parameter becomes a variable of init
    answers.kernel = kernel ? kernel : "this-host";
    answers.release = names.release;
    answers.facts = world.facts();
    int differing = 0;
    for (const contract::Case& question : contract::suite()) {
        answers.rows.push_back(contract::run(question, world));
        if (answers.rows.back().differs()) {
            ++differing;
            std::printf("%s\n", contract::describe(answers.rows.back()).c_str());
        }
    }
    std::printf("%s\n%s%s\n", kBegin, contract::to_text(answers).c_str(), kEnd);
    return differing == 0 ? 0 : 1;
}

} // namespace

int main() {
    std::setvbuf(stdout, nullptr, _IOLBF, 0);
    if (::getpid() != 1)
        return run_suite();
    contract::mount_file_systems();
    std::printf("guest is up\n");
    contract::load_modules("/modules/order");
    contract::bind_device();
    const pid_t child = ::fork();
    if (child == 0)
        std::exit(run_suite());
    int status = 0;
    while (child > 0 && ::waitpid(child, &status, 0) != child) {
    }
    if (WIFSIGNALED(status))
        std::printf("the suite died of signal %d\n", WTERMSIG(status));
    contract::power_off();
}
