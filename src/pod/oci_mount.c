/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Options of an OCI mount: a table of the words that set or clear an attribute of the mount, of it and all below, or its
 * propagation; what is in no table belongs to the file system. A bind shows one that is there already: such words mean
 * nothing for it, as with mount(2), and engines do send them. config.md of the runtime-spec, "Linux mount options".
 */
#include <linux/mount.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "pod/oci_plan.h"

/* <sys/mount.h> clashes with <linux/mount.h> in Debian 12's glibc. */
enum { UNBINDABLE = 1 << 17, PRIVATE = 1 << 18, SLAVE = 1 << 19, SHARED = 1 << 20 };

struct word {
	const char *name;
	uint64_t set, clear;
};

/* Each also with an "r" before it: recursive. */
static const struct word attributes[] = {
	{ "ro", MOUNT_ATTR_RDONLY, 0 },
	{ "rw", 0, MOUNT_ATTR_RDONLY },
	{ "nosuid", MOUNT_ATTR_NOSUID, 0 },
	{ "suid", 0, MOUNT_ATTR_NOSUID },
	{ "nodev", MOUNT_ATTR_NODEV, 0 },
	{ "dev", 0, MOUNT_ATTR_NODEV },
	{ "noexec", MOUNT_ATTR_NOEXEC, 0 },
	{ "exec", 0, MOUNT_ATTR_NOEXEC },
	{ "nodiratime", MOUNT_ATTR_NODIRATIME, 0 },
	{ "diratime", 0, MOUNT_ATTR_NODIRATIME },
	{ "nosymfollow", MOUNT_ATTR_NOSYMFOLLOW, 0 },
	{ "symfollow", 0, MOUNT_ATTR_NOSYMFOLLOW },
	/* One of the three is set; clearing the field means relatime (mount_setattr(2)). */
	{ "relatime", MOUNT_ATTR_RELATIME, MOUNT_ATTR__ATIME },
	{ "norelatime", MOUNT_ATTR_STRICTATIME, MOUNT_ATTR__ATIME },
	{ "noatime", MOUNT_ATTR_NOATIME, MOUNT_ATTR__ATIME },
	{ "atime", MOUNT_ATTR_RELATIME, MOUNT_ATTR__ATIME },
	{ "strictatime", MOUNT_ATTR_STRICTATIME, MOUNT_ATTR__ATIME },
	{ "nostrictatime", MOUNT_ATTR_RELATIME, MOUNT_ATTR__ATIME },
};

static const struct {
	const char *name;
	uint64_t flag;
} propagations[] = {
	{ "private", PRIVATE }, { "shared", SHARED }, { "slave", SLAVE }, { "unbindable", UNBINDABLE },
};

const char *const oci_mount_words[] = {
	"async", "atime", "bind", "defaults", "dev", "diratime", "dirsync", "exec", "idmap", "iversion", "lazytime", "loud",
	"mand", "noatime", "nodev", "nodiratime", "noexec", "noiversion", "nolazytime", "nomand", "norelatime",
	"nostrictatime", "nosuid", "nosymfollow", "private", "ratime", "rbind", "rdev", "rdiratime", "relatime", "remount",
	"rexec", "ridmap", "rnoatime", "rnodev", "rnodiratime", "rnoexec", "rnorelatime", "rnostrictatime", "rnosuid",
	"rnosymfollow", "ro", "rprivate", "rrelatime", "rro", "rrw", "rshared", "rslave", "rstrictatime", "rsuid",
	"rsymfollow", "runbindable", "rw", "shared", "silent", "slave", "strictatime", "suid", "symfollow", "sync",
	"tmpcopyup", "unbindable", NULL
};

uint64_t oci_propagation(const char *word, bool *ret_recursive)
{
	bool recursive = *word == 'r';

	for (size_t i = 0; i < ARRAY_SIZE(propagations); i++)
		if (strcmp(word + recursive, propagations[i].name) == 0) {
			*ret_recursive = recursive;
			return propagations[i].flag;
		}
	return 0;
}

static const struct word *find_attribute(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(attributes); i++)
		if (strcmp(name, attributes[i].name) == 0)
			return &attributes[i];
	return NULL;
}

/* The last word wins. */
static void apply(const struct word *w, uint64_t *set, uint64_t *clear)
{
	*set = (*set & ~w->clear) | w->set;
	*clear = (*clear & ~(w->set & ~(uint64_t)MOUNT_ATTR__ATIME)) | w->clear;
}

static bool take_attribute(const char *word, struct oci_attach *m)
{
	const struct word *w = find_attribute(word);

	if (w) {
		apply(w, &m->set, &m->clear);
		return true;
	}
	w = *word == 'r' ? find_attribute(word + 1) : NULL;
	if (w)
		apply(w, &m->set_all, &m->clear_all);
	return w;
}

static bool take_kind(const char *word, struct oci_attach *m)
{
	bool bind = strcmp(word, "bind") == 0, rbind = strcmp(word, "rbind") == 0;

	if (bind || rbind) {
		if (m->kind != OCI_ATTACH_REMOUNT)
			m->kind = OCI_ATTACH_BIND;
		m->recursive = rbind;
		return true;
	}
	if (strcmp(word, "remount") == 0) {
		m->kind = OCI_ATTACH_REMOUNT;
		return true;
	}
	if (strcmp(word, "idmap") == 0 || strcmp(word, "ridmap") == 0) {
		m->idmap = *word == 'r' ? OCI_IDMAP_RECURSIVE : OCI_IDMAP;
		return true;
	}
	if (strcmp(word, "tmpcopyup") == 0)
		return m->copy_up = true;
	if (strcmp(word, "src-nofollow") == 0)
		return m->no_follow = true;
	return strcmp(word, "defaults") == 0;
}

static void take_option(struct arena *a, const char *word, struct oci_attach *m)
{
	bool recursive = false;
	uint64_t propagation = oci_propagation(word, &recursive);

	if (propagation) {
		m->propagation = propagation;
		m->propagation_recursive = recursive;
	} else if (!take_kind(word, m) && !take_attribute(word, m)) {
		arena_strv_add(a, &m->data, word);
	}
}

static int check_mount(const struct oci_attach *m, struct err *e)
{
	if (m->copy_up && (!m->type || strcmp(m->type, "tmpfs") != 0 || m->kind != OCI_ATTACH_NEW))
		return err_new(e, ERR_USAGE, "config.json: the mount on %s has tmpcopyup, but is no tmpfs", m->target);
	if (m->kind == OCI_ATTACH_BIND && (!m->source || !*m->source))
		return err_new(e, ERR_USAGE, "config.json: the bind on %s has no source", m->target);
	if (m->kind == OCI_ATTACH_NEW && (!m->type || !*m->type))
		return err_new(e, ERR_USAGE, "config.json: the mount on %s has no type, and is no bind", m->target);
	if (m->idmap && m->kind != OCI_ATTACH_BIND)
		return err_new(e, ERR_USAGE, "config.json: the mount on %s is to map ids, but is no bind", m->target);
	if (!m->asked->uid_mappings.n != !m->asked->gid_mappings.n)
		return err_new(e, ERR_USAGE, "config.json: the mount on %s maps only one of uids and gids", m->target);
	return 0;
}

int oci_plan_mount(struct arena *a, const struct oci_mount *m, size_t index, struct oci_attach *ret, struct err *e)
{
	struct oci_attach x = { .kind = OCI_ATTACH_NEW, .source = m->source, .type = m->type, .asked = m };

	if (!m->destination || !*m->destination)
		return err_new(e, ERR_USAGE, "config.json: mounts[%zu] has no destination", index);
	/* Relative ones are the root's, as older versions of the specification had it. */
	x.target = *m->destination == '/' ? m->destination : arena_printf(a, "/%s", m->destination);
	if (m->type && strcmp(m->type, "bind") == 0)
		x.kind = OCI_ATTACH_BIND;
	for (char **word = m->options; word && *word; word++)
		take_option(a, *word, &x);
	if (x.kind == OCI_ATTACH_NEW && m->type && (strcmp(m->type, "cgroup") == 0 || strcmp(m->type, "cgroup2") == 0))
		x.kind = OCI_ATTACH_CGROUP;
	if (m->uid_mappings.n && !x.idmap)
		x.idmap = OCI_IDMAP;
	if (check_mount(&x, e) < 0)
		return -e->code;
	*ret = x;
	return 0;
}
