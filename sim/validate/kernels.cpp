#include "sim/validate/kernels.h"

#include "sim/fields.h"

namespace sim::validate {

Kernels read_kernels(const std::string& path, const InputFiles& files, Diagnostics& diagnostics) {
    Kernels kernels;
    const auto text = files.read(path, diagnostics);
    const auto tree = text ? parse_yaml(*text, path, diagnostics) : std::nullopt;
    if (!tree) {
        return kernels;
    }
    Fields top(*tree, "kernels file", diagnostics);
    const YamlNode* gemm = top.node("gemm");
    std::uint64_t host = 0;
    top.time("generate_host_time", host, {.max = 1'000'000'000'000'000, .likely = "s"});
    kernels.generate_host_seconds = static_cast<double>(host) / 1e12;
    top.finish();
    for (const YamlNode& node : gemm != nullptr ? gemm->items : std::vector<YamlNode>{}) {
        std::vector<std::string> gpus;
        std::string precision;
        Kernels::Gemm one;
        std::uint64_t gflops = 0, element = 0;
        Fields fields(node, "gemm", diagnostics);
        fields.texts("gpus", gpus);
        fields.text("precision", precision);
        fields.count("gflops", gflops, {.max = 100'000'000});
        fields.count("a_reuse", one.a_reuse, {.max = 65536});
        fields.count("b_reuse", one.b_reuse, {.max = 65536});
        fields.size("element", element, {.max = 16, .likely = "B"});
        fields.require({"gpus", "precision", "gflops", "a_reuse", "b_reuse", "element"}, "a GEMM has all of them");
        fields.finish();
        one.flops_per_second = static_cast<double>(gflops) * 1e9;
        one.element_bytes = static_cast<unsigned>(element);
        for (const std::string& gpu : gpus) {
            kernels.gemm[{gpu, precision}] = one;
        }
    }
    return kernels;
}

} // namespace sim::validate
