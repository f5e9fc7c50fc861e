# What ./run and ./test share: Debian packages, and the release build in build/.

BUILD_PACKAGES=(g++ cmake ninja-build libsystemc-dev libyaml-cpp-dev nlohmann-json3-dev libcli11-dev
    libfmt-dev libpugixml-dev libexpected-dev libglpk-dev libeigen3-dev libsqlite3-dev)
TEST_PACKAGES=(libgtest-dev libgmock-dev libbenchmark-dev binutils git)
# What the contract suite needs on a real x86 kernel (a few seconds to install), and on the others.
QUICK_KERNEL_PACKAGES=(qemu-system-x86 cpio xz-utils make libelf1)
MORE_KERNEL_PACKAGES=(qemu-system-arm g++-aarch64-linux-gnu)

# Installs those of the named packages that are not there yet; quick when all are.
install_packages() {
    local missing=() package
    for package in "$@"; do
        if [ "$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null)" != installed ]; then
            missing+=("$package")
        fi
    done
    if [ ${#missing[@]} -eq 0 ]; then
        return
    fi
    local root=()
    if [ "$(id -u)" -ne 0 ]; then
        root=(sudo)
    fi
    echo "Installing ${missing[*]}" >&2
    "${root[@]}" apt-get update -qq >&2
    DEBIAN_FRONTEND=noninteractive "${root[@]}" apt-get install -y -qq --no-install-recommends "${missing[@]}" >&2
}

# configure FOLDER [CMake arguments]: only when it was not done yet with the same arguments.
configure() {
    local folder=$1
    shift
    if [ "$(cat "$folder/.configured" 2>/dev/null)" != "$*" ]; then
        cmake -S . -B "$folder" -G Ninja "$@" >&2
        echo "$*" >"$folder/.configured"
    fi
}

# build_release TARGET...: tests and benchmarks are configured too, and built only when named (all). Once configured they
# stay so: their packages are there.
build_release() {
    local tests=OFF
    if [ "$*" = all ] || grep -qs EGMSIM_BENCH=ON build/.configured; then
        tests=ON
    fi
    configure build -DCMAKE_BUILD_TYPE=Release -DBUILD_TESTING=$tests -DEGMSIM_BENCH=$tests
    cmake --build build --target "$@" -- --quiet >&2
}
