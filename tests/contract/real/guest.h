#pragma once

#include <string>

namespace contract {

/// What the first process of a guest does before and after the suite. Nothing here reports by return value: what did
/// not work is printed, and the suite's facts show what is there.

/// Mounts /proc, /sys and /dev, and makes /dev/console the standard output.
void mount_file_systems();

/// Loads the modules that `list` names, a line each: the file, then its parameters. Missing files are passed over.
void load_modules(const char* list);

/// Gives QEMU's edu device to vfio-pci.
void bind_device();

/// Switches the machine off. Does not return.
[[noreturn]] void power_off();

} // namespace contract
