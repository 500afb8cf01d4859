/* SPDX-License-Identifier: Apache-2.0 */
/* Private to erofs*.c: EROFS on disk, as fs/erofs/erofs_fs.h of Linux describes it; all little endian. */
#pragma once

#include <assert.h>
#include <stdint.h>

enum {
	EROFS_SUPER_OFFSET = 1024,
	EROFS_BLOCK_BITS = 9,
	EROFS_SLOT = 32,               /* a node number counts slots of 32 bytes from meta_blkaddr */
	EROFS_PLAIN = 0,               /* data layouts */
	EROFS_INLINE = 2,
	EROFS_CHUNKS = 4,
	EROFS_INCOMPAT_CHUNKED = 0x4,  /* features */
	EROFS_INCOMPAT_DEVICES = 0x8,
	EROFS_CHUNK_INDEXES = 0x20,
	EROFS_CHUNK_BITS_MAX = 22,     /* 2 GiB chunks of 512-byte blocks */
};
#define EROFS_MAGIC 0xE0F5E1E2U
#define EROFS_HOLE  0xffffffffU

struct erofs_super {
	uint32_t magic;
	uint32_t checksum;
	uint32_t feature_compat;
	uint8_t block_bits;
	uint8_t ext_slots;
	uint16_t root_nid;
	uint64_t inodes;
	uint64_t build_time;
	uint32_t build_time_ns;
	uint32_t blocks;
	uint32_t meta_block;
	uint32_t xattr_block;
	uint8_t uuid[16];
	uint8_t volume[16];
	uint32_t feature_incompat;
	uint16_t compression;
	uint16_t extra_devices;
	uint16_t device_slot;          /* where the device table begins, in units of 128 bytes */
	uint8_t rest[38];
};
static_assert(sizeof(struct erofs_super) == 128, "as on disk");

struct erofs_device_slot {
	uint8_t tag[64];
	uint32_t blocks;
	uint32_t uniaddr;
	uint8_t reserved[56];
};
static_assert(sizeof(struct erofs_device_slot) == 128, "as on disk");

struct erofs_inode {
	uint16_t format;               /* bit 0: 64-byte inode; bits 1-3: data layout */
	uint16_t xattr_count;
	uint16_t mode;
	uint16_t reserved;
	uint64_t size;
	uint32_t u;                    /* first block, device number, or chunk format */
	uint32_t ino;
	uint32_t uid, gid;
	uint64_t mtime;
	uint32_t mtime_ns;
	uint32_t nlink;
	uint8_t reserved2[16];
};
static_assert(sizeof(struct erofs_inode) == 64, "as on disk");

struct erofs_xattr_header {
	uint32_t filter;
	uint8_t shared;
	uint8_t reserved[7];
};
static_assert(sizeof(struct erofs_xattr_header) == 12, "as on disk");

struct erofs_xattr {
	uint8_t name_len;
	uint8_t name_index;
	uint16_t value_len;
};
static_assert(sizeof(struct erofs_xattr) == 4, "as on disk");

struct [[gnu::packed]] erofs_dirent {
	uint64_t nid;
	uint16_t name_offset;
	uint8_t file_type;
	uint8_t reserved;
};
static_assert(sizeof(struct erofs_dirent) == 12, "as on disk");

struct erofs_chunk {
	uint16_t start_hi;
	uint16_t device;               /* 0: the block counts in the common address space */
	uint32_t block;
};
static_assert(sizeof(struct erofs_chunk) == 8, "as on disk");
