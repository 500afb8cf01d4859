/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Each kind of item has one function that puts entries into the rootfs. Then come libraries of all programs
 * that are in it by then, and last what is made: nsswitch.conf, passwd, group.
 */
#include "build/gather.h"

#include <errno.h>
#include <fnmatch.h>
#include <limits.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/path.h"
#include "base/str.h"
#include "build/libs.h"

enum {
	MAX_DEPTH = 128, /* of a copied directory */
};

struct gather {
	const struct gather_input *in;
	struct arena *a;
	struct gathered *out;
	struct libs libs;
	const struct recipe_item *item; /* being done; NULL: nothing that the recipe names by itself */
	uint32_t uid, gid;              /* owner that the item gives, else 0:0 */
	struct err *e;
};

/* Puts the recipe's line before what went wrong. */
static int with_place(struct gather *g, int rc)
{
	const struct doc *place = g->item ? g->item->place : NULL;
	struct err inner = *g->e;

	if (!rc || !place || !place->line)
		return rc;
	doc_err(place, g->e, "%s", inner.what);
	g->e->code = inner.code;
	g->e->errnum = inner.errnum;
	memcpy(g->e->because, inner.because, sizeof(inner.because));
	memcpy(g->e->hint, inner.hint, sizeof(inner.hint));
	return -inner.code;
}

static void note(struct gather *g, const char *text)
{
	if (g->in->note)
		g->in->note(text);
}

/* ---- modes ---- */

/* The recipe's mode, or the source's without setuid and setgid; from the recipe's folder only "executable?" counts. */
static uint32_t file_mode(const struct gather *g, const struct source *source, const struct stat *st)
{
	if (g->item && g->item->mode >= 0)
		return (uint32_t)g->item->mode;
	if (source == g->in->folder)
		return st->st_mode & 0111 ? 0755 : 0644;
	return st->st_mode & 0777;
}

static uint32_t dir_mode(const struct gather *g, const struct source *source, const struct stat *st)
{
	if (g->item && g->item->dir_mode >= 0)
		return (uint32_t)g->item->dir_mode;
	return source == g->in->folder ? 0755 : st->st_mode & 01777;
}

/* ---- single entries ---- */

static int add_file(struct gather *g, const struct source *source, const char *from, const char *to,
		    const struct stat *st)
{
	const struct rootfs_entry entry = {
		.path = (char *)to,
		.kind = ROOTFS_FILE,
		.mode = file_mode(g, source, st),
		.uid = g->uid,
		.gid = g->gid,
		.source = source,
		.from = (char *)from,
		.size = (uint64_t)st->st_size,
	};

	return rootfs_add(&g->out->rootfs, &entry, g->e);
}

/* The base's node at this path, links followed; NULL when it has none. */
static const struct tree_node *base_node(const struct gather *g, const char *path)
{
	uint32_t at = g->in->base ? tree_find(g->in->base, path, true) : 0;

	return at ? &g->in->base->node[at] : NULL;
}

/* A directory of the layer that stands where the base has a link would take the link's place. */
static bool is_base_link_to_dir(const struct gather *g, const char *path)
{
	const struct tree_node *node = base_node(g, path);
	uint32_t at = node ? tree_find(g->in->base, path, false) : 0;

	return at && S_ISDIR(node->mode) && S_ISLNK(g->in->base->node[at].mode);
}

static int add_dir(struct gather *g, const char *path, uint32_t mode)
{
	const struct rootfs_entry entry = {
		.path = (char *)path, .kind = ROOTFS_DIR, .mode = mode, .uid = g->uid, .gid = g->gid};

	if (is_base_link_to_dir(g, path))
		return 0;
	return rootfs_add(&g->out->rootfs, &entry, g->e);
}

static int add_link(struct gather *g, const char *path, const char *target)
{
	const struct rootfs_entry entry = {.path = (char *)path,
					   .kind = ROOTFS_LINK,
					   .mode = 0777,
					   .uid = g->uid,
					   .gid = g->gid,
					   .target = (char *)target};

	return rootfs_add(&g->out->rootfs, &entry, g->e);
}

/* Where the base has a directory, files go there and no link is needed. */
static int add_link_on_way(struct gather *g, const struct source_link *link)
{
	const struct tree_node *node = base_node(g, link->path);

	return node && S_ISDIR(node->mode) ? 0 : add_link(g, link->path, link->target);
}

static int add_text(struct gather *g, const char *path, const char *text, uint32_t mode)
{
	const struct rootfs_entry entry = {.path = (char *)path,
					   .kind = ROOTFS_FILE,
					   .mode = mode,
					   .uid = g->uid,
					   .gid = g->gid,
					   .text = text,
					   .size = strlen(text)};

	return rootfs_add(&g->out->rootfs, &entry, g->e);
}

static const char *special_name(mode_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFIFO:
		return "a FIFO";
	case S_IFSOCK:
		return "a socket";
	default:
		return "a device";
	}
}

static int refuse_special(struct gather *g, const struct source *source, const char *path, mode_t mode)
{
	err_new(g->e, ERR_USAGE, "%s in %s is %s", path, source->name, special_name(mode));
	err_because(g->e, "an image made by hand holds files, directories and links");
	return err_try(g->e, "leave it out with except:; devices come with a hole dev:");
}

/* ---- copies ---- */

static bool is_excepted(const struct gather *g, const char *path)
{
	char **pattern = g->item ? g->item->except : NULL;

	for (; pattern && *pattern; pattern++)
		if (fnmatch(*pattern, path, 0) == 0)
			return true;
	return false;
}

static int copy_directory(struct gather *g, const struct source *source, const char *from, const char *to,
			  unsigned depth);

/* One name in a copied directory: links stay links, whatever they point to. */
static int copy_child(struct gather *g, const struct source *source, const char *from, const char *to, unsigned depth)
{
	struct stat st;
	char *target;

	if (is_excepted(g, from))
		return 0;
	if (source_lstat(source, from, &st))
		return err_errno(g->e, "cannot look at %s in %s", from, source->name);
	if (S_ISREG(st.st_mode))
		return add_file(g, source, from, to, &st);
	if (S_ISDIR(st.st_mode)) {
		int rc = add_dir(g, to, dir_mode(g, source, &st));

		return rc ? rc : copy_directory(g, source, from, to, depth + 1);
	}
	if (!S_ISLNK(st.st_mode))
		return refuse_special(g, source, from, st.st_mode);
	target = source_readlink(source, g->a, from);
	if (!target)
		return err_errno(g->e, "cannot read the link %s in %s", from, source->name);
	return add_link(g, to, target);
}

static char *join(struct arena *a, const char *dir, const char *name)
{
	return arena_printf(a, "%s%s%s", dir, str_has_suffix(dir, "/") ? "" : "/", name);
}

static int refuse_depth(struct gather *g, const struct source *source, const char *from)
{
	err_new(g->e, ERR_USAGE, "%s in %s is too deep for an image", from, source->name);
	err_because(g->e, "more than %d directories stand in each other", MAX_DEPTH);
	return err_try(g->e, "leave it out with except:");
}

static int copy_directory(struct gather *g, const struct source *source, const char *from, const char *to,
			  unsigned depth)
{
	char **names = NULL;
	int rc;

	if (depth > MAX_DEPTH)
		return refuse_depth(g, source, from);
	rc = source_list(source, g->a, from, &names, g->e);
	for (size_t i = 0; !rc && names && names[i]; i++)
		rc = copy_child(g, source, join(g->a, from, names[i]), join(g->a, to, names[i]), depth);
	return rc;
}

/* What a resolved path leads to, put at `to`. */
static int copy_place(struct gather *g, const struct source *source, const struct source_place *place, const char *to)
{
	if (S_ISREG(place->st.st_mode))
		return add_file(g, source, place->path, to, &place->st);
	if (S_ISDIR(place->st.st_mode)) {
		int rc = add_dir(g, to, dir_mode(g, source, &place->st));

		return rc ? rc : copy_directory(g, source, place->path, to, 0);
	}
	return refuse_special(g, source, place->path, place->st.st_mode);
}

static int missing_source(struct gather *g, const struct source *source, const char *path,
			  const struct source_place *place)
{
	err_new(g->e, ERR_NOT_FOUND, "%s does not exist in %s", path, source->name);
	err_because(g->e, "%s is missing there", place->path);
	return err_try(g->e, "correct the path, or name the tree that has it: --from TREE");
}

/* Without `to`: the same paths as in the tree, with every link that leads there. */
static int copy_in_place(struct gather *g, const struct source *source, const char *path)
{
	struct source_place place = {};
	int rc = source_resolve(source, g->a, path, &place, g->e);

	if (rc)
		return rc;
	if (!place.exists && !place.links.n)
		return missing_source(g, source, path, &place);
	for (size_t i = 0; !rc && i < place.links.n; i++)
		rc = add_link_on_way(g, &place.links.v[i]);
	if (rc)
		return rc;
	if (place.exists)
		return copy_place(g, source, &place, place.path);
	return 0;
}

/* With `to`: what the path leads to, at the new place. */
static int copy_renamed(struct gather *g, const struct source *source, const char *path, const char *to)
{
	struct source_place place = {};
	int rc = source_resolve(source, g->a, path, &place, g->e);

	if (!rc && !place.exists)
		return missing_source(g, source, path, &place);
	return rc ? rc : copy_place(g, source, &place, to);
}

static int no_match(struct gather *g, const struct source *source, const char *pattern)
{
	err_new(g->e, ERR_NOT_FOUND, "nothing in %s matches %s", source->name, pattern);
	err_because(g->e, "wildcards match within one level, and no leading dot");
	return err_try(g->e, "ls in that tree, and correct the pattern");
}

/* A pattern or a `to` that ends in "/" puts things into a directory, else `to` is the thing itself. */
static int copy_item(struct gather *g, const struct source *source, const char *pattern)
{
	const char *to = g->item->to;
	bool into = to && (source_is_pattern(pattern) || str_has_suffix(to, "/"));
	char **paths = NULL;
	int rc = source_glob(source, g->a, pattern, &paths, g->e);

	if (rc)
		return rc;
	if (!paths && source_is_pattern(pattern))
		return no_match(g, source, pattern);
	if (!paths) /* say what is missing */
		return to ? copy_renamed(g, source, pattern, to) : copy_in_place(g, source, pattern);
	for (size_t i = 0; !rc && paths[i]; i++) {
		if (is_excepted(g, paths[i]))
			continue;
		if (!to)
			rc = copy_in_place(g, source, paths[i]);
		else
			rc = copy_renamed(g, source, paths[i],
					  into ? join(g->a, to, path_base(paths[i])) : to);
	}
	return rc;
}

static int do_copy(struct gather *g)
{
	return copy_item(g, g->in->tree, g->item->copy);
}

static int do_local(struct gather *g)
{
	return copy_item(g, g->in->folder, arena_printf(g->a, "/%s", g->item->local));
}

static int do_dir(struct gather *g)
{
	return add_dir(g, g->item->dir, g->item->mode >= 0 ? (uint32_t)g->item->mode : 0755);
}

static int do_link(struct gather *g)
{
	return add_link(g, g->item->link, g->item->to);
}

static int do_text(struct gather *g)
{
	return add_text(g, g->item->to, g->item->text, g->item->mode >= 0 ? (uint32_t)g->item->mode : 0644);
}

static int (*const item_actions[])(struct gather *g) = {
	[ITEM_COPY] = do_copy, [ITEM_LOCAL] = do_local, [ITEM_DIR] = do_dir, [ITEM_LINK] = do_link, [ITEM_TEXT] = do_text,
};

static int gather_items(struct gather *g)
{
	const struct recipe *r = g->in->recipe;
	int rc = 0;

	for (size_t i = 0; !rc && i < r->files.n; i++) {
		g->item = &r->files.v[i];
		g->uid = g->gid = 0;
		if (g->item->owner.given)
			rc = accounts_find_owner(&g->out->accounts, &g->item->owner, &g->uid, &g->gid, g->e);
		if (!rc)
			rc = item_actions[g->item->kind](g);
	}
	rc = with_place(g, rc);
	g->item = NULL;
	g->uid = g->gid = 0;
	return rc;
}

/* ---- libraries ---- */

/* A library that is in the image already stays as the recipe wants it. */
static int add_library(struct gather *g, const char *path)
{
	const struct rootfs_entry *there = rootfs_follow(&g->out->rootfs, path);
	const struct tree_node *node = base_node(g, path);

	if ((there && there->kind == ROOTFS_FILE) || (node && S_ISREG(node->mode)))
		return 0;
	return copy_in_place(g, g->in->tree, path);
}

static int add_need(struct gather *g, const struct libs_need *need)
{
	int rc = add_library(g, need->path);
	char *shortcut;

	if (rc || !need->shortcut)
		return rc;
	shortcut = join(g->a, need->shortcut, need->name);
	if (rootfs_follow(&g->out->rootfs, shortcut) || base_node(g, shortcut))
		return 0;
	return add_link(g, shortcut, need->path);
}

static int add_needs_of(struct gather *g, const struct source *where, const char *path)
{
	struct libs_needs needs = {};
	int rc = libs_find(&g->libs, where, path, &needs, g->e);

	for (size_t i = 0; !rc && i < needs.list.n; i++)
		rc = add_need(g, &needs.list.v[i]);
	return rc;
}

/* The programs of an image are of one machine; the first one decides, and the others must agree. */
static int learn_arch(struct gather *g, const struct libs_object *object)
{
	const char *variant, *arch = elf_oci_arch(&object->elf, &variant);

	if (!arch)
		return 0;
	if (g->out->arch && !str_equal(g->out->arch, arch) && !g->in->recipe->arch) {
		err_new(g->e, ERR_USAGE, "%s is for %s, other programs of the image are for %s", object->path, arch,
			g->out->arch);
		err_because(g->e, "an image is for one machine");
		return err_try(g->e, "leave it out, or say which the image is for with arch:");
	}
	if (!g->out->arch) {
		g->out->arch = arch;
		g->out->variant = variant;
	}
	return 0;
}

static int gather_needs_of(struct gather *g, const struct source *source, const char *from)
{
	struct libs_object object = {};
	int rc = libs_read(&g->libs, source, from, &object, g->e);

	if (rc || !object.elf.is_elf)
		return rc;
	rc = learn_arch(g, &object);
	if (rc || g->in->recipe->libraries == LIBRARIES_NONE)
		return rc;
	return add_needs_of(g, source, from);
}

/* The list grows under the loop: what is added are libraries, and their needs came with them. */
static int gather_libraries(struct gather *g)
{
	size_t n = g->out->rootfs.entries.n;
	int rc = 0;

	for (size_t i = 0; !rc && i < n; i++) {
		const struct rootfs_entry *entry = &g->out->rootfs.entries.v[i];

		if (entry->kind == ROOTFS_FILE && entry->source)
			rc = gather_needs_of(g, entry->source, entry->from);
	}
	return rc;
}

/* Some program of the image, for its machine. */
static int find_program(struct gather *g, struct elf *ret)
{
	for (size_t i = 0; i < g->libs.objects.n; i++) {
		if (!g->libs.objects.v[i].elf.is_dynamic)
			continue;
		*ret = g->libs.objects.v[i].elf;
		return 0;
	}
	err_new(g->e, ERR_USAGE, "the image has no program that could load plug-ins");
	err_because(g->e, "none of its files is a dynamic ELF program");
	return err_try(g->e, "leave out plugins: and name_service:, or name the plug-in's file in files:");
}

static int add_plugin_path(struct gather *g, const char *path)
{
	int rc = copy_in_place(g, g->in->tree, path);

	return rc ? rc : gather_needs_of(g, g->in->tree, path);
}

static int add_plugin_pattern(struct gather *g, const char *pattern)
{
	char **paths = NULL;
	int rc = source_glob(g->in->tree, g->a, pattern, &paths, g->e);

	if (!rc && !paths)
		return no_match(g, g->in->tree, pattern);
	for (size_t i = 0; !rc && paths[i]; i++)
		rc = add_plugin_path(g, paths[i]);
	return rc;
}

/* By name alone, as dlopen(3) looks for it. *found tells whether it is there. */
static int add_plugin_name(struct gather *g, const char *name, bool *found)
{
	struct elf like = {};
	char *path = NULL;
	int rc = find_program(g, &like);

	if (!rc)
		rc = libs_find_name(&g->libs, &like, name, &path, g->e);
	*found = path != NULL;
	return rc || !path ? rc : add_plugin_path(g, path);
}

static int missing_plugin(struct gather *g, const char *name)
{
	err_new(g->e, ERR_NOT_FOUND, "the plug-in %s is nowhere in %s", name, g->in->tree->name);
	err_because(g->e, "no directory that the loader searches has it");
	return err_try(g->e, "write its whole path, or put its package into the tree");
}

static int gather_plugins(struct gather *g)
{
	bool found;
	int rc = 0;

	for (char **p = g->in->recipe->plugins; !rc && p && *p; p++) {
		if ((*p)[0] == '/') {
			rc = add_plugin_pattern(g, *p);
			continue;
		}
		rc = add_plugin_name(g, *p, &found);
		if (!rc && !found)
			rc = missing_plugin(g, *p);
	}
	return rc;
}

/* ---- what is made ---- */

/* glibc 2.34 and newer have these built in; older ones bring them as modules like every other. */
static bool is_built_in_service(const char *name)
{
	return str_equal(name, "files") || str_equal(name, "dns");
}

static bool is_service_name(const char *name)
{
	return name[0] && !name[strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_")];
}

static int refuse_service(struct gather *g, const char *name)
{
	err_new(g->e, ERR_USAGE, "name_service can't be %.60s", name);
	err_because(g->e, "services have names of small letters, digits and _");
	return err_try(g->e, "name_service: [files, dns]");
}

static int add_service(struct gather *g, const char *name)
{
	bool found;
	int rc;

	if (!is_service_name(name))
		return refuse_service(g, name);
	rc = add_plugin_name(g, arena_printf(g->a, "libnss_%s.so.2", name), &found);
	if (rc || found || is_built_in_service(name))
		return rc;
	err_new(g->e, ERR_NOT_FOUND, "name_service: %s has no libnss_%s.so.2", g->in->tree->name, name);
	err_because(g->e, "glibc loads that module for %s", name);
	return err_try(g->e, "put the package libnss-%s into the tree", name);
}

/* nsswitch.conf(5): dns answers for hosts alone. */
static char *nsswitch_text(struct gather *g)
{
	static const char *const databases[] = {"passwd", "group", "hosts", "services", "protocols", NULL};
	autostr text = {};

	for (size_t i = 0; databases[i]; i++) {
		str_addf(&text, "%s:", databases[i]);
		for (char **s = g->in->recipe->name_service; *s; s++)
			if (!str_equal(*s, "dns") || str_equal(databases[i], "hosts"))
				str_addf(&text, " %s", *s);
		str_add_char(&text, '\n');
	}
	return arena_strdup(g->a, text.text);
}

static int gather_name_service(struct gather *g)
{
	char **services = g->in->recipe->name_service;
	int rc = 0;

	if (!services)
		return 0;
	for (char **s = services; !rc && *s; s++)
		rc = add_service(g, *s);
	if (rc || rootfs_find(&g->out->rootfs, "etc/nsswitch.conf") || base_node(g, "/etc/nsswitch.conf"))
		return rc;
	return add_text(g, "/etc/nsswitch.conf", nsswitch_text(g), 0644);
}

/* A passwd that the recipe brings itself stands; it would say something else than users: does. */
static int add_account_file(struct gather *g, const char *path, const char *text)
{
	if (rootfs_find(&g->out->rootfs, path)) {
		err_new(g->e, ERR_USAGE, "%s comes from files: and from users: or groups:", path);
		err_because(g->e, "it can be only one of the two");
		return err_try(g->e, "leave one of them out");
	}
	return add_text(g, path, text, 0644);
}

static int gather_accounts(struct gather *g)
{
	const struct accounts *acc = &g->out->accounts;
	int rc;

	if (!acc->changed)
		return 0;
	rc = add_account_file(g, "/etc/passwd", acc->passwd);
	return rc ? rc : add_account_file(g, "/etc/group", acc->group);
}

/* Notes scripts whose interpreter stays behind: they would fail with a puzzling "not found". */
static void check_script(struct gather *g, const struct rootfs_entry *entry)
{
	char line[PATH_MAX];
	autoclose int fd = source_open_file(entry->source, entry->from);
	ssize_t n = fd < 0 ? -1 : pread(fd, line, sizeof(line) - 1, 0);
	char *interp = line + 2;

	if (n < 3 || line[0] != '#' || line[1] != '!')
		return;
	line[n] = 0;
	interp += strspn(interp, " \t");
	interp[strcspn(interp, " \t\r\n")] = 0;
	if (interp[0] == '/' && !rootfs_follow(&g->out->rootfs, interp) && !base_node(g, interp))
		note(g, arena_printf(g->a, "/%s is a script for %s, which is not in the image", entry->path, interp));
}

static void check_scripts(struct gather *g)
{
	const struct rootfs *fs = &g->out->rootfs;

	for (size_t i = 0; i < fs->entries.n; i++)
		if (fs->entries.v[i].kind == ROOTFS_FILE && fs->entries.v[i].source && fs->entries.v[i].mode & 0111)
			check_script(g, &fs->entries.v[i]);
}

int gather_files(struct arena *a, const struct gather_input *in, struct gathered *ret, struct err *e)
{
	static int (*const steps[])(struct gather *g) = {
		gather_items, gather_libraries, gather_plugins, gather_name_service, gather_accounts,
	};
	struct gather g = {.in = in, .a = a, .out = ret, .e = e};
	int rc;

	*ret = (struct gathered){};
	rootfs_init(&ret->rootfs, a);
	rc = accounts_make(a, in->recipe, in->base_passwd, in->base_group, &ret->accounts, e);
	if (!rc)
		rc = libs_open(&g.libs, in->tree, a, e);
	for (size_t i = 0; !rc && i < ARRAY_SIZE(steps); i++)
		rc = steps[i](&g);
	if (rc)
		return rc;
	check_scripts(&g);
	rootfs_sort(&ret->rootfs);
	return 0;
}
