#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

/// Which of the public EGM drivers shows a carveout, as far as user space can tell, and what is safe on all that it may
/// be. Sources: the vendor's kernel trees of 2024 to 2026 and the postings "Add virtualization support for EGM".
namespace egm {

enum class DriverShape {
    kA,  ///< vendor driver, 2024
    kB,  ///< RFC v1, September 2025
    kC,  ///< RFC v2, February 2026
    kD,  ///< C with dma-buf export
    kE1, ///< stand-alone, opens are counted
    kE2, ///< stand-alone, exclusive: the newest
};

/// What a second opener of the device gets.
enum class SecondOpen {
    kShared,   ///< the same memory, as if nobody else had it
    kUnusable, ///< a descriptor on which the request fails with EINVAL; mapping it would crash that kernel
    kBusy,     ///< EBUSY, as it should be
};

struct ShapeTraits {
    SecondOpen second_open;
    bool offset_honoured; ///< mmap maps from its offset; else from the carveout's start whatever the offset says
    bool bounded;         ///< mmap refuses what lies beyond the carveout; else it maps foreign memory
    bool position_may_be_physical; ///< KVM's file position may be the physical address instead of the offset
    bool exports_dma_buf;
};

const ShapeTraits& traits(DriverShape shape);
std::string_view to_string(DriverShape shape);

/// A set of shapes: those that a driver may have.
class ShapeSet {
public:
    constexpr ShapeSet() = default;
    constexpr ShapeSet(std::initializer_list<DriverShape> shapes) {
        for (const DriverShape shape : shapes)
            bits_ |= bit(shape);
    }
    constexpr bool contains(DriverShape shape) const { return (bits_ & bit(shape)) != 0; }
    constexpr bool empty() const { return bits_ == 0; }
    friend constexpr bool operator==(ShapeSet, ShapeSet) = default;

private:
    static constexpr unsigned bit(DriverShape shape) { return 1u << unsigned(shape); }
    unsigned bits_ = 0;
};

/// The stand-alone drivers, which cannot be told apart without opening the device twice.
inline constexpr ShapeSet kStandAloneShapes{DriverShape::kE1, DriverShape::kE2};

/// The shapes that fit the entries of /sys/class/egm/egm<PXM>. Nothing is opened: that would clear the carveout.
///
///     gpu_devices     A: the only driver that lists its GPUs in a file
///     device          B, C, D: the node's parent is an auxiliary device of the GPU driver
///     neither         E1, E2: created at module load, without a parent
ShapeSet shapes_of(const std::vector<std::string>& entries);

/// What holds for every shape of a set, and therefore may be relied on. Precondition: `shapes` is not empty.
bool always_exclusive(ShapeSet shapes);
bool always_honours_offset(ShapeSet shapes);
/// What holds for some shape of a set, and therefore must be guarded against.
bool may_be_unusable_when_second(ShapeSet shapes);
bool may_use_physical_position(ShapeSet shapes);
bool may_export_dma_buf(ShapeSet shapes);

/// "driver of shape A (vendor, 2024)", "driver of shape E1 or E2 (stand-alone, 2026)".
std::string describe(ShapeSet shapes);

} // namespace egm
