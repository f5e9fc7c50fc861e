// bench_fixed_works: the whole program on the fixed works of docs/collectives.md, each in a process of its own:
// processor seconds, packet crossings (one burst over one link) a processor second, peak memory.
//
//     bench_fixed_works EGMSIM SCENARIO...        a scenario may be followed by "+" and what `--set` gets

#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

namespace {

struct Measured {
    nlohmann::json result;
    double cpu_seconds = 0;
    double megabytes = 0;
};

std::string read_all(int from) {
    std::string text;
    char buffer[65536];
    for (ssize_t count = 0; (count = read(from, buffer, sizeof buffer)) > 0;) {
        text.append(buffer, static_cast<std::size_t>(count));
    }
    return text;
}

Measured measure(const std::vector<std::string>& arguments) {
    int ends[2];
    if (pipe(ends) != 0) {
        std::perror("pipe");
        std::exit(1);
    }
    const pid_t child = fork();
    if (child == 0) {
        std::vector<char*> list;
        for (const std::string& argument : arguments) {
            list.push_back(const_cast<char*>(argument.c_str()));
        }
        list.push_back(nullptr);
        dup2(ends[1], STDOUT_FILENO);
        close(ends[0]);
        close(ends[1]);
        execv(list[0], list.data());
        std::perror(list[0]);
        _exit(127);
    }
    close(ends[1]);
    const std::string text = read_all(ends[0]);
    close(ends[0]);
    int status = 0;
    rusage usage{};
    wait4(child, &status, 0, &usage);
    if (status != 0) {
        std::fprintf(stderr, "%s failed\n", arguments[2].c_str());
        std::exit(1);
    }
    const auto seconds = [](const timeval& time) { return double(time.tv_sec) + double(time.tv_usec) * 1e-6; };
    return {nlohmann::json::parse(text), seconds(usage.ru_utime) + seconds(usage.ru_stime),
            double(usage.ru_maxrss) / 1024};
}

} // namespace

int main(int argc, char* argv[]) {
    if (argc < 3) {
        std::fprintf(stderr, "usage: bench_fixed_works EGMSIM SCENARIO[+PATH=VALUE]...\n");
        return 2;
    }
    std::printf("%-44s %12s %12s %9s %16s %9s\n", "", "finish", "crossings", "CPU s", "crossings/CPU s", "MB");
    for (int i = 2; i < argc; ++i) {
        std::string file = argv[i];
        std::vector<std::string> arguments{argv[1], "run", ""};
        for (std::size_t plus; (plus = file.rfind('+')) != std::string::npos; file.resize(plus)) {
            arguments.insert(arguments.end(), {"--set", file.substr(plus + 1)});
        }
        arguments[2] = file;
        arguments.insert(arguments.end(), {"--quiet", "--json", "-"});
        const Measured measured = measure(arguments);
        double finish = 0;
        for (const auto& group : measured.result["traffic"]) {
            finish += group.contains("work") ? group["work"]["finish_ns"].get<double>() : 0;
        }
        const double crossings = measured.result["crossings"];
        const std::string name = std::string(argv[i]).substr(std::string(argv[i]).rfind('/', file.size()) + 1);
        std::printf("%-44s %9.3f us %12.0f %9.3f %16.2e %9.1f\n", name.c_str(), finish * 1e-3, crossings,
                    measured.cpu_seconds, crossings / measured.cpu_seconds, measured.megabytes);
    }
    return 0;
}
