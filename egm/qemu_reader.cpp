#include "egm/qemu_reader.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <map>

#include <fmt/format.h>

#include "egm/address.h"
#include "egm/qemu_options.h"
#include "egm/shell_words.h"
#include "egm/sysfs.h"

namespace egm {
namespace {

using Hazard = DescribedHazard::Kind;

constexpr std::size_t kExpandedMax = 1 << 16; ///< a variable that grows without end is cut here

/// Reads the options of one command line.
class OptionReader {
public:
    OptionReader(const std::string& file, VmDescription& vm, std::vector<LintFinding>& findings)
        : file_(file), vm_(vm), findings_(findings) {}

    void read(const std::vector<PlacedArgument>& arguments) {
        for (std::size_t i = 0; i < arguments.size(); ++i) {
            std::string option = arguments[i].text;
            if (option.size() < 2 || option[0] != '-')
                continue;
            option.erase(0, option[1] == '-' ? 2 : 1);
            const bool has_value = i + 1 < arguments.size() && (!arguments[i + 1].text.starts_with('-'));
            place_ = arguments[i].place;
            read_flag(option);
            if (!has_value)
                continue;
            const PlacedArgument& value = arguments[++i];
            place_ = value.place;
            if (value.text.find('$') != std::string::npos)
                report(LintFinding::Severity::kWarning,
                       "\"" + value.text + "\" depends on a variable that is not set here",
                       "lint the command line as it runs: \"tr '\\0' ' ' < /proc/PID/cmdline\"");
            read_option(option, value.text);
        }
    }

private:
    void report(LintFinding::Severity severity, std::string message, std::string advice = {}) {
        findings_.push_back({severity, file_, place_, std::move(message), std::move(advice)});
    }

    void hazard(Hazard kind, std::string what) { vm_.hazards.push_back({kind, std::move(what), place_}); }

    void read_flag(const std::string& option) {
        if (option == "only-migratable" || option == "incoming")
            hazard(Hazard::kMigration, "-" + option);
        else if (option == "no-acpi")
            hazard(Hazard::kNoAcpi, "-no-acpi");
        else if (option == "enable-kvm")
            vm_.kvm = true;
    }

    void read_option(const std::string& option, const std::string& text) {
        if (option == "mem-path") {
            if (is_hugepage_path(text))
                hazard(Hazard::kHugepages, "-mem-path " + text);
            return;
        }
        const std::map<std::string, std::pair<const char*, void (OptionReader::*)(const QemuOptions&)>> readers = {
            {"object", {"qom-type", &OptionReader::read_object}}, {"device", {"driver", &OptionReader::read_device}},
            {"machine", {"type", &OptionReader::read_machine}},   {"M", {"type", &OptionReader::read_machine}},
            {"accel", {"accel", &OptionReader::read_accel}},      {"numa", {"type", &OptionReader::read_numa}},
            {"m", {"size", &OptionReader::read_memory}},          {"name", {"guest", &OptionReader::read_name}},
        };
        const auto reader = readers.find(option);
        if (reader == readers.end())
            return;
        if (const auto options = QemuOptions::parse(text, reader->second.first))
            (this->*reader->second.second)(*options);
        else
            report(LintFinding::Severity::kError, "the value of -" + option + " is no JSON object");
    }

    /// None when absent or a variable; a fault is reported.
    std::optional<std::uint64_t> size(const QemuOptions& options, const char* key, std::uint64_t unit = 1) {
        const std::string text = options.get(key);
        if (text.empty() || text.find('$') != std::string::npos)
            return std::nullopt;
        const auto bytes = parse_qemu_size(text, unit);
        if (!bytes)
            report(LintFinding::Severity::kError, fmt::format("{} \"{}\" is no size", key, text),
                   "write 447G or 56896M");
        return bytes;
    }

    /// -1 when it is no number; a fault is reported unless it is a variable.
    int node_number(const QemuOptions& options, const char* key) {
        const std::string text = options.get(key);
        const int number = parse_number(text);
        if (number < 0 && text.find('$') == std::string::npos)
            report(LintFinding::Severity::kError, fmt::format("{} \"{}\" is no number of a node", key, text));
        return number;
    }

    void read_object(const QemuOptions& options) {
        const std::string type = options.get("qom-type");
        if (type.starts_with("memory-backend-"))
            return read_backend(type, options);
        const DescribedLink link{options.get("pci-dev"), -1, place_};
        if (type == "acpi-generic-initiator") {
            vm_.initiators.push_back(link);
            vm_.initiators.back().node = node_number(options, "node");
        } else if (type == "acpi-egm-memory") {
            vm_.egm_links.push_back(link);
            vm_.egm_links.back().node = node_number(options, "node");
        }
    }

    void read_backend(const std::string& type, const QemuOptions& options) {
        DescribedBackend backend{.id = options.get("id"),
                                 .kind = type == "memory-backend-file" ? BackendKind::kFile : BackendKind::kOther,
                                 .path = options.get("mem-path"),
                                 .place = place_};
        backend.size = size(options, "size").value_or(0);
        backend.offset = size(options, "offset").value_or(0);
        backend.align = size(options, "align").value_or(0);
        backend.share = options.is_on("share");
        backend.prealloc = options.is_on("prealloc");
        backend.hugepages = options.is_on("hugetlb") || is_hugepage_path(backend.path);
        vm_.backends.push_back(std::move(backend));
    }

    void read_device(const QemuOptions& options) {
        const std::string driver = options.get("driver");
        if (driver == "vfio-pci" || driver == "vfio-pci-nohotplug") {
            std::string host = options.get("host");
            if (const std::string path = options.get("sysfsdev"); host.empty() && !path.empty())
                host = path.substr(path.rfind('/') + 1);
            vm_.devices.push_back({.id = options.get("id"),
                                   .bdf = full_bdf(host),
                                   .bus = options.get("bus"),
                                   .iommufd = options.has("iommufd"),
                                   .hotplug = driver == "vfio-pci",
                                   .migration = options.is_on("enable-migration"),
                                   .place = place_});
        } else if (driver == "arm-smmuv3") {
            vm_.smmus.push_back({options.get("primary-bus"), options.is_on("accel"), place_});
        } else if (driver == "pcie-root-port") {
            vm_.bus_of_port[options.get("id")] = options.get("bus");
        }
    }

    void read_machine(const QemuOptions& options) {
        vm_.machine_place = place_;
        if (const auto window = size(options, "highmem-mmio-size"))
            vm_.mmio_window = *window;
        const std::string iommu = options.get("iommu");
        if (!iommu.empty() && iommu != "none")
            hazard(Hazard::kMachineSmmu, "iommu=" + iommu);
        if (options.is_off("acpi"))
            hazard(Hazard::kNoAcpi, "acpi=off");
        if (options.has("memory-backend"))
            hazard(Hazard::kMemoryBackend, "memory-backend=" + options.get("memory-backend"));
        note_accelerator(options);
    }

    void note_accelerator(const QemuOptions& options) { vm_.kvm = vm_.kvm || options.get("accel").starts_with("kvm"); }

    void read_accel(const QemuOptions& options) {
        note_accelerator(options);
        if (options.has("dirty-ring-size") && options.get("dirty-ring-size") != "0")
            hazard(Hazard::kDirtyLog, "dirty-ring-size=" + options.get("dirty-ring-size"));
    }

    void read_numa(const QemuOptions& options) {
        const std::string type = options.get("type");
        if (type == "cpu") {
            const int number = parse_number(options.get("node-id"));
            for (DescribedNode& node : vm_.nodes)
                node.has_cpus = node.has_cpus || node.number == number;
        }
        if (type != "node")
            return;
        DescribedNode node{.number = int(vm_.nodes.size()), .place = place_};
        if (options.has("nodeid"))
            node.number = node_number(options, "nodeid");
        node.has_cpus = options.has("cpus");
        node.backend = options.get("memdev");
        vm_.nodes.push_back(std::move(node));
    }

    void read_memory(const QemuOptions& options) {
        vm_.memory_place = place_;
        if (const auto bytes = size(options, "size", kMiB))
            vm_.memory = *bytes;
    }

    void read_name(const QemuOptions& options) {
        if (!options.get("guest").empty())
            vm_.name = options.get("guest");
    }

    const std::string& file_;
    VmDescription& vm_;
    std::vector<LintFinding>& findings_;
    TextPlace place_;
};

bool is_qemu(const std::string& word) {
    const std::string name = word.substr(word.rfind('/') + 1);
    return name.starts_with("qemu-system-") || name == "qemu-kvm";
}

/// Goes through the words of a script.
class ScriptReader {
public:
    explicit ScriptReader(const std::string& file) : file_(file) {}

    LintInput read(const std::vector<ShellWord>& words) {
        const bool named =
            std::any_of(words.begin(), words.end(), [](const ShellWord& word) { return is_qemu(word.text); });
        if (!named) {
            read_bare(words);
            return std::move(input_);
        }
        for (std::size_t i = 0; i < words.size(); ++i) {
            if (is_qemu(words[i].text))
                i = read_command(words, i);
            else
                read_other(words, i);
        }
        if (input_.vms.empty())
            report_nothing();
        return std::move(input_);
    }

private:
    /// A list of options without the program's name: the lines belong together.
    void read_bare(const std::vector<ShellWord>& words) {
        std::vector<PlacedArgument> arguments;
        for (const ShellWord& word : words)
            if (!word.ends_command)
                arguments.push_back({expanded(word.text), word.place});
        const bool options = std::any_of(arguments.begin(), arguments.end(), [](const PlacedArgument& argument) {
            return argument.text == "-machine" || argument.text == "-object" || argument.text == "-device" ||
                   argument.text == "-numa";
        });
        if (options)
            add_vm(arguments, arguments.front().place);
        else
            report_nothing();
    }

    void report_nothing() {
        input_.findings.push_back({LintFinding::Severity::kError,
                                   file_,
                                   {1, 1},
                                   "there is neither a QEMU command line nor a libvirt domain in it",
                                   "give the script that starts the VM, or what \"virsh dumpxml\" prints"});
    }

    /// Index of the last word of the command.
    std::size_t read_command(const std::vector<ShellWord>& words, std::size_t program) {
        std::vector<PlacedArgument> arguments;
        std::size_t i = program + 1;
        for (; i < words.size() && !words[i].ends_command; ++i)
            arguments.push_back({expanded(words[i].text), words[i].place});
        if (arguments.size() > 1) // not a mere "qemu-system-aarch64 --version"
            add_vm(arguments, words[program].place);
        return i;
    }

    void add_vm(const std::vector<PlacedArgument>& arguments, TextPlace place) {
        VmDescription vm{.name = fmt::format("the VM of line {}", place.line), .place = place};
        vm.machine_place = vm.memory_place = place;
        if (memlock_)
            vm.hazards.push_back(*memlock_);
        read_qemu_arguments(arguments, file_, vm, input_.findings);
        input_.vms.push_back(std::move(vm));
    }

    /// A variable, or a limit on locked memory.
    void read_other(const std::vector<ShellWord>& words, std::size_t i) {
        const std::string& text = words[i].text;
        const std::size_t equals = text.find('=');
        if (equals != std::string::npos && equals > 0 && is_name(text.substr(0, equals)))
            variables_[text.substr(0, equals)] = expanded(text.substr(equals + 1));
        if (text == "ulimit" && i + 2 < words.size() && words[i + 1].text == "-l") {
            memlock_.reset();
            if (words[i + 2].text != "unlimited")
                memlock_ = {Hazard::kMemlockLimited, "ulimit -l " + words[i + 2].text, words[i].place};
        }
    }

    static bool is_name(std::string_view text) {
        return !text.empty() && !std::isdigit(static_cast<unsigned char>(text.front())) &&
               std::all_of(text.begin(), text.end(), [](unsigned char c) { return std::isalnum(c) || c == '_'; });
    }

    /// With $NAME and ${NAME} replaced where the script has set them.
    std::string expanded(const std::string& text) const {
        std::string result;
        for (std::size_t i = 0; i < text.size() && result.size() < kExpandedMax;) {
            if (text[i] != '$') {
                result += text[i++];
                continue;
            }
            const bool braces = i + 1 < text.size() && text[i + 1] == '{';
            const std::size_t begin = i + 1 + braces;
            std::size_t end = begin;
            while (end < text.size() && (std::isalnum(static_cast<unsigned char>(text[end])) || text[end] == '_'))
                ++end;
            const auto known = variables_.find(text.substr(begin, end - begin));
            const std::size_t next = end + (braces && end < text.size() && text[end] == '}');
            if (known == variables_.end())
                result += text.substr(i, next - i);
            else
                result += known->second;
            i = std::max(next, i + 1);
        }
        if (result.size() > kExpandedMax)
            result.resize(kExpandedMax);
        return result;
    }

    const std::string& file_;
    std::map<std::string, std::string> variables_;
    std::optional<DescribedHazard> memlock_;
    LintInput input_;
};

} // namespace

std::string full_bdf(std::string_view text) {
    std::string bdf(text);
    std::transform(bdf.begin(), bdf.end(), bdf.begin(), [](unsigned char c) { return char(std::tolower(c)); });
    return is_bdf(bdf) || bdf.empty() ? bdf : "0000:" + bdf;
}

bool is_hugepage_path(std::string_view path) {
    return path.starts_with("/dev/hugepages") || path.starts_with("/hugepages") || path.starts_with("/mnt/huge");
}

void read_qemu_arguments(const std::vector<PlacedArgument>& arguments, const std::string& file, VmDescription& vm,
                         std::vector<LintFinding>& findings) {
    OptionReader(file, vm, findings).read(arguments);
}

LintInput read_qemu_script(std::string_view script, const std::string& file) {
    return ScriptReader(file).read(shell_words(script));
}

} // namespace egm
