// KVM: is the VM made wide enough, and are slots deleted?

#include "egm/kvm_slots.h"

#include <cerrno>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fake_syscalls.h"

namespace egm {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

struct KvmSlotsTest : testing::Test {
    FakeSyscalls kernel;

    KvmSlotsTest() { kernel.add_kernel_devices(); }
};

TEST_F(KvmSlotsTest, SlotIsDeletedBeforeItsVmIsClosed) {
    {
        auto vm = KvmVm::create(kernel, 43, true);
        ASSERT_TRUE(vm);
        auto slot = vm->set_slot(3, {kGiB}, {0x7f00'0000'0000}, kGiB, "memory");
        ASSERT_TRUE(slot);
        EXPECT_EQ(kernel.slots, std::set<std::uint32_t>{3});
    }
    EXPECT_TRUE(kernel.clean());
    EXPECT_THAT(kernel.violations, IsEmpty());
}

TEST_F(KvmSlotsTest, GuestWiderThanTheMachineIsRefused) {
    kernel.ipa_bits_max = 40;
    auto vm = KvmVm::create(kernel, 43, true);
    ASSERT_FALSE(vm);
    EXPECT_THAT(vm.error().message(), HasSubstr("addresses of 43 bits, and this machine has 40"));
}

TEST_F(KvmSlotsTest, OrdinaryMemoryNeedsNoCapability) {
    kernel.takes_pfnmap = false;
    EXPECT_TRUE(KvmVm::create(kernel, 43, false));
    auto vm = KvmVm::create(kernel, 43, true);
    ASSERT_FALSE(vm);
    EXPECT_EQ(vm.error().error_number, EOPNOTSUPP);
}

TEST_F(KvmSlotsTest, RefusedSlotSaysWhy) {
    kernel.refused["ioctl 0x4020ae46"] = EEXIST;
    auto vm = KvmVm::create(kernel, 43, true);
    auto slot = vm->set_slot(0, {0}, {0}, kGiB, "vm0/egm4");
    ASSERT_FALSE(slot);
    EXPECT_EQ(slot.error().message(),
              "EEXIST: ioctl KVM_SET_USER_MEMORY_REGION vm0/egm4: the slot overlaps another slot of this VM");
}

} // namespace
} // namespace egm
