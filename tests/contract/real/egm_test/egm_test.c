// SPDX-License-Identifier: GPL-2.0
/*
 * egm_test - an EGM character device on memory that a test guest's kernel does not own.
 *
 * The same interface as the newest public EGM driver (shape E2 of egmsim's docs): /dev/egm<pxm>, open by one at a time
 * and cleared at that open, a linear and bounded mmap, the list of retired pages, and egm_size in sysfs. Where the real
 * driver reads ACPI properties, this one takes module parameters: base, size, pxm, and retired, the offsets of retired
 * 64 KiB blocks.
 */
#include <linux/cdev.h>
#include <linux/device.h>
#include <linux/fs.h>
#include <linux/io.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/overflow.h>
#include <linux/sizes.h>
#include <linux/uaccess.h>
#include <linux/version.h>

#define EGM_RETIRED_PAGES_LIST _IO('E', 100)
#define EGM_MINORS 256

struct egm_header {
	__u32 argsz;
	__u32 count;
};

struct egm_page {
	__u64 offset;
	__u64 size;
};

static unsigned long base, size;
static int pxm = 4;
static unsigned long retired[16];
static int retired_count;
module_param(base, ulong, 0444);
module_param(size, ulong, 0444);
module_param(pxm, int, 0444);
module_param_array(retired, ulong, &retired_count, 0444);

static DEFINE_MUTEX(lock);
static bool in_use;
static dev_t first;
static struct cdev cdev;

static int egm_clear(void)
{
	unsigned long done, chunk;
	void *memory;

	for (done = 0; done < size; done += chunk) {
		chunk = min_t(unsigned long, size - done, SZ_1G);
		memory = memremap(base + done, chunk, MEMREMAP_WB);
		if (!memory)
			return -ENOMEM;
		memset(memory, 0, chunk);
		memunmap(memory);
	}
	return 0;
}

static int egm_open(struct inode *inode, struct file *file)
{
	int error = mutex_lock_killable(&lock);

	if (error)
		return error;
	error = in_use ? -EBUSY : egm_clear();
	if (!error)
		in_use = true;
	mutex_unlock(&lock);
	return error;
}

static int egm_release(struct inode *inode, struct file *file)
{
	mutex_lock(&lock);
	in_use = false;
	mutex_unlock(&lock);
	return 0;
}

static int egm_mmap(struct file *file, struct vm_area_struct *vma)
{
	unsigned long length = vma->vm_end - vma->vm_start;
	unsigned long offset, end;

	if (vma->vm_pgoff >= size >> PAGE_SHIFT)
		return -EINVAL;
	if (check_shl_overflow(vma->vm_pgoff, PAGE_SHIFT, &offset) || check_add_overflow(offset, length, &end))
		return -EOVERFLOW;
	if (end > size)
		return -EINVAL;
	return remap_pfn_range(vma, vma->vm_start, (base + offset) >> PAGE_SHIFT, length, vma->vm_page_prot);
}

static long egm_ioctl(struct file *file, unsigned int command, unsigned long argument)
{
	const unsigned int pages_each = SZ_64K / PAGE_SIZE;
	void __user *user = (void __user *)argument;
	const unsigned int count = retired_count * pages_each;
	struct egm_header header;
	size_t needed = sizeof(header) + count * sizeof(struct egm_page);
	unsigned int i;

	if (copy_from_user(&header, user, sizeof(header)))
		return -EFAULT;
	if (header.argsz < sizeof(header) || command != EGM_RETIRED_PAGES_LIST)
		return -EINVAL;
	header.count = 0;
	if (header.argsz < needed) {
		header.argsz = needed;
	} else {
		for (i = 0; i < count; i++) {
			struct egm_page page = {
				.offset = retired[i / pages_each] + i % pages_each * PAGE_SIZE,
				.size = PAGE_SIZE,
			};

			if (copy_to_user(user + sizeof(header) + i * sizeof(page), &page, sizeof(page)))
				return -EFAULT;
		}
		header.count = count;
	}
	return copy_to_user(user, &header, sizeof(header)) ? -EFAULT : 0;
}

static const struct file_operations egm_operations = {
	.owner = THIS_MODULE,
	.open = egm_open,
	.release = egm_release,
	.mmap = egm_mmap,
	.unlocked_ioctl = egm_ioctl,
};

static ssize_t egm_size_show(struct device *device, struct device_attribute *attribute, char *text)
{
	return sysfs_emit(text, "0x%lx\n", size);
}
static DEVICE_ATTR_RO(egm_size);

static struct attribute *egm_attrs[] = { &dev_attr_egm_size.attr, NULL };
ATTRIBUTE_GROUPS(egm);

static struct class *egm_class;

static int __init egm_init(void)
{
	struct device *device;
	int error;

	if (!base || !size || (base | size) % SZ_64K || pxm < 0 || pxm >= EGM_MINORS)
		return -EINVAL;
	error = alloc_chrdev_region(&first, 0, EGM_MINORS, "egm");
	if (error)
		return error;
	cdev_init(&cdev, &egm_operations);
	error = cdev_add(&cdev, first, EGM_MINORS);
	if (error)
		goto region;
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 4, 0)
	egm_class = class_create(THIS_MODULE, "egm");
#else
	egm_class = class_create("egm");
#endif
	error = PTR_ERR_OR_ZERO(egm_class);
	if (error)
		goto cdev;
	device = device_create_with_groups(egm_class, NULL, MKDEV(MAJOR(first), pxm), NULL, egm_groups, "egm%d", pxm);
	error = PTR_ERR_OR_ZERO(device);
	if (!error)
		return 0;
	class_destroy(egm_class);
cdev:
	cdev_del(&cdev);
region:
	unregister_chrdev_region(first, EGM_MINORS);
	return error;
}

static void __exit egm_exit(void)
{
	device_destroy(egm_class, MKDEV(MAJOR(first), pxm));
	class_destroy(egm_class);
	cdev_del(&cdev);
	unregister_chrdev_region(first, EGM_MINORS);
}

module_init(egm_init);
module_exit(egm_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("EGM character device for tests in a guest");
