# The real kernels that the contract suite is asked on: stock Debian ones, unpacked and never installed.
#
#   quick   what ./test runs            all   what ./test --real-kernels runs
#
# The answers that each gave are kept in tests/contract/answers/NAME.tsv.
QUICK_KERNELS=(6.1-amd64)
ALL_KERNELS=(6.1-amd64 6.12-amd64 6.12-arm64 newest-amd64 newest-arm64)

# describe_kernel NAME: sets
#   arch    Debian's name of the architecture
#   suites  where its packages come from
#   image   the package that depends on the image of the current release
#   source  the package pattern with its source, for iommufd (Debian builds no kernel with it); empty: has none
describe_kernel() {
    arch=${1##*-}
    case $1 in
    6.1-*) suites=(bookworm bookworm-security) image=linux-image-$arch source= ;;
    6.12-*) suites=(bookworm bookworm-security) image=linux-image-6.12-$arch source=linux-source-6.12 ;;
    newest-*) suites=(trixie trixie-backports) image=linux-image-$arch source='linux-source-[0-9.]+' ;;
    *) return 1 ;;
    esac
}
