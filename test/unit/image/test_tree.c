/* SPDX-License-Identifier: Apache-2.0 */
/* The merged tree: layers as a list of entries in, one line a file out, or the reason why it was refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "image/tree.h"

/* One entry: "d a/b" directory, "f a" file, "l a -> b" symlink, "h a -> b" hard link, "c a" device, "-" next layer. */
static int add(struct tree *t, struct arena *a, const char *line, unsigned number, struct err *e)
{
	static const char kinds[] = "fhlcbdp";
	const char *kind = strchr(kinds, line[0]), *arrow = strstr(line, " -> ");
	struct tar_entry x = {.mode = 0600, .uid = number, .mtime = number};

	if (line[0] == '-')
		return tree_begin_layer(t, t->rules, NULL, e);
	assert_non_null(kind);
	x.type = (enum tar_type)(kind - kinds);
	x.path = arena_strndup(a, line + 2, arrow ? (size_t)(arrow - line - 2) : strlen(line + 2));
	x.link = arrow ? arena_strdup(a, arrow + 4) : NULL;
	x.major = strstr(line, "zero") ? 0 : 1;
	return tree_add(t, &x, e);
}

static void list(const struct tree *t, uint32_t dir, const char *path, struct str *out)
{
	for (uint32_t i = 0; i < t->node[dir].n_kids; i++) {
		const struct tree_name *name = &t->name[t->node[dir].kids[i]];
		const struct tree_node *n = &t->node[name->node];
		autostr full = {};

		str_addf(&full, "%s%s%.*s", path, *path ? "/" : "", (int)name->len, name->text);
		str_addf(out, "%s%s:%s%u%s%s%s", out->len ? " " : "", full.text, n->implied ? "i" : "", n->uid,
			 n->link ? ">" : "", n->link ? n->link : "", !S_ISDIR(n->mode) && n->nlink > 1 ? "&" : "");
		if (S_ISDIR(n->mode))
			list(t, name->node, full.text, out);
	}
}

/* The numbers in the output are the entries' places in the list, from 1. */
static int merge(enum tree_rules rules, const char *const *lines, struct str *out, struct err *e)
{
	autoarena a = {};
	autotree *t = tree_new();
	int r = tree_begin_layer(t, rules, NULL, e);

	for (unsigned i = 0; lines[i] && !r; i++)
		r = add(t, &a, lines[i], i + 1, e);
	if (r)
		return r;
	tree_finish(t);
	list(t, TREE_ROOT, "", out);
	return 0;
}

struct example {
	const char *lines[14];
	const char *files;   /* or: */
	const char *because;
};

static void check(enum tree_rules rules, const struct example *x, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		autostr out = {};
		struct err e = {};
		int r = merge(rules, x[i].lines, &out, &e);

		if (x[i].because && (!r || !strstr(e.because, x[i].because)))
			fail_msg("wanted a refusal with '%s', got %d '%s' '%s'", x[i].because, r, e.because, str_text(&out));
		if (x[i].files && (r || strcmp(x[i].files, str_text(&out))))
			fail_msg("wanted '%s', got %d '%s' '%s'", x[i].files, r, str_text(&out), e.because);
	}
}

static void test_layers(void **state)
{
	static const struct example x[] = {
		{{"d a", "f a/x", "-", "f a/y"}, .files = "a:1 a/x:2 a/y:4"},
		{{"f x", "-", "f x"}, .files = "x:3"},
		/* a directory again: new owner, old content */
		{{"d a", "f a/x", "-", "d a"}, .files = "a:4 a/x:2"},
		/* what no layer lists: a plain directory */
		{{"f a/b/x"}, .files = "a:i0 a/b:i0 a/b/x:1"},
		/* what an upper layer does not list keeps the lower one's owner */
		{{"d etc", "-", "f etc/x"}, .files = "etc:1 etc/x:3"},
		/* another type replaces, with all below it */
		{{"d a", "f a/x", "-", "f a"}, .files = "a:4"},
		{{"f a", "-", "d a", "f a/x"}, .files = "a:3 a/x:4"},
		{{"f a", "-", "f a/x"}, .files = "a:i0 a/x:3"},
		{{"d a", "f a/x", "-", "l a -> b", "-", "d a"}, .files = "a:6"},
		/* names in the order of bytes */
		{{"f b", "f a!", "f a", "d .", "f B", "f \xff"}, .files = "B:5 a:3 a!:2 b:1 \xff:6"},
	};

	check(TREE_OCI, x, ARRAY_SIZE(x));
}

static void test_whiteouts(void **state)
{
	static const struct example x[] = {
		{{"f x", "f y", "-", "f .wh.x"}, .files = "y:2"},
		{{"d a", "f a/x", "-", "f .wh.a"}, .files = ""},
		{{"d a", "f a/x", "f a/y", "-", "f a/.wh.x"}, .files = "a:1 a/y:3"},
		/* in its own layer a whiteout hides nothing, whatever the order */
		{{"f x", "-", "f x", "f .wh.x"}, .files = "x:3"},
		{{"f x", "-", "f .wh.x", "f x"}, .files = "x:4"},
		{{"d a", "f a/x", "-", "d a", "f .wh.a"}, .files = "a:4"},
		{{"d a", "f a/x", "-", "f a/new", "f .wh.a"}, .files = "a:i0 a/new:4"},
		{{"d a", "f a/x", "-", "f .wh.a", "f a/new"}, .files = "a:i0 a/new:5"},
		/* opaque */
		{{"d a", "f a/x", "-", "d a", "f a/.wh..wh..opq"}, .files = "a:4"},
		{{"d a", "f a/x", "-", "f a/y", "f a/.wh..wh..opq"}, .files = "a:1 a/y:4"},
		{{"d a", "f a/x", "-", "f a/.wh..wh..opq", "f a/y"}, .files = "a:1 a/y:5"},
		{{"d a", "d a/b", "f a/b/x", "-", "f a/b/y", "f a/.wh..wh..opq"}, .files = "a:1 a/b:i0 a/b/y:5"},
		{{"f x", "-", "f .wh..wh..opq", "f y"}, .files = "y:4"},
		/* a hidden file may come again, further up */
		{{"f x", "-", "f .wh.x", "-", "f x"}, .files = "x:5"},
		{{"d a", "f a/x", "-", "f .wh.a", "-", "d a"}, .files = "a:6"},
		/* to nothing, and bookkeeping of aufs */
		{{"f .wh.none", "f .wh..wh.aufs", "d .wh..wh.plnk"}, .files = ""},
		/* through a symlink, inside */
		{{"d real", "f real/x", "l lnk -> real", "-", "f lnk/.wh.x"}, .files = "lnk:3>real real:1"},
		{{"f .wh."}, .because = "names no file"},
		{{"f .wh.."}, .because = "names no file"},
		{{"f .wh..."}, .because = "names no file"},
		{{"d .wh.a", "f .wh.a/x"}, .because = "stands below a whiteout"},
	};

	check(TREE_OCI, x, ARRAY_SIZE(x));
}

static void test_symlinks(void **state)
{
	static const struct example x[] = {
		{{"d usr", "d usr/lib", "l lib -> usr/lib", "-", "f lib/x"}, .files = "lib:3>usr/lib usr:1 usr/lib:2 usr/lib/x:5"},
		{{"d a", "l lnk -> /a", "f lnk/x"}, .files = "a:1 a/x:3 lnk:2>/a"},
		/* clamped at the root, however many ".." there are */
		{{"l up -> ../../../../etc", "f up/passwd"}, .files = "etc:i0 etc/passwd:2 up:1>../../../../etc"},
		{{"d a", "d a/b", "l a/b/lnk -> ../..", "f a/b/lnk/x"}, .files = "a:1 a/b:2 a/b/lnk:3>../.. x:4"},
		{{"l root -> /", "f root/x"}, .files = "root:1>/ x:2"},
		/* the link itself is replaced, never what it means */
		{{"d a", "f a/x", "l lnk -> a", "-", "d lnk"}, .files = "a:1 a/x:2 lnk:5"},
		{{"l f -> /etc/passwd", "f f"}, .files = "f:2"},
		/* chains and loops */
		{{"l a -> b", "l b -> c", "d c", "f a/x"}, .files = "a:1>b b:2>c c:3 c/x:4"},
		{{"l a -> b", "l b -> a", "f a/x"}, .because = "more than 40 symlinks"},
		{{"l a -> a", "f a/x"}, .because = "more than 40 symlinks"},
		/* a link to a file is no directory */
		{{"f f", "l lnk -> f", "f lnk/x"}, .because = "no directory"},
	};

	check(TREE_OCI, x, ARRAY_SIZE(x));
}

static void test_hard_links(void **state)
{
	static const struct example x[] = {
		{{"f a", "h b -> a"}, .files = "a:1& b:1&"},
		{{"f a", "h b -> /a", "h c -> ./b"}, .files = "a:1& b:1& c:1&"},
		{{"f a", "-", "h b -> a"}, .files = "a:1& b:1&"},
		{{"f a", "h b -> a", "-", "f a"}, .files = "a:4 b:1"},
		{{"f a", "h b -> a", "-", "f .wh.a"}, .files = "b:1"},
		{{"d d", "f d/x", "l lnk -> d", "h y -> lnk/x"}, .files = "d:1 d/x:2& lnk:3>d y:2&"},
		{{"l a -> t", "h b -> a"}, .files = "a:1>t& b:1>t&"},
		{{"h b -> a"}, .because = "does not exist"},
		{{"f a", "-", "f .wh.a", "h b -> a"}, .because = "does not exist"},
		{{"d a", "h b -> a"}, .because = "is a directory"},
		{{"f a", "h a -> a"}, .because = "to itself"},
		{{"h x -> ../../etc/shadow"}, .because = "does not exist"},
		{{"l s -> /etc", "h x -> s/shadow"}, .because = "does not exist"},
	};

	check(TREE_OCI, x, ARRAY_SIZE(x));
}

static void test_hostile(void **state)
{
	static const struct example x[] = {
		{{"f ../x"}, .because = "\"..\""},
		{{"f a/../../x"}, .because = "\"..\""},
		{{"f /../x"}, .because = "\"..\""},
		{{"f a/.."}, .because = "\"..\""},
		{{"l . -> /etc", "f passwd"}, .because = "its root is no directory"},
		{{"f /"}, .because = "its root is no directory"},
		{{"f a", "f a/x"}, .because = "no directory"},
		{{"c zero"}, .because = "device 0:0"},
		{{"f /etc/passwd"}, .files = "etc:i0 etc/passwd:1"},
		{{"l a -> /etc", "-", "f a/x"}, .files = "a:1>/etc etc:i0 etc/x:3"},
		/* names that some file systems take for one */
		{{"f A", "f a", "f \xc3\xa9", "f e\xcc\x81"}, .files = "A:1 a:2 e\xcc\x81:4 \xc3\xa9:3"},
	};

	check(TREE_OCI, x, ARRAY_SIZE(x));
}

static void test_aci(void **state)
{
	static const struct example x[] = {
		{{"f manifest", "d rootfs", "f rootfs/a", "h rootfs/b -> rootfs/a"}, .files = "a:3& b:3&"},
		{{"d rootfs", "f manifest"}, .files = ""},
		{{"f ./manifest", "d ./rootfs/", "f ./rootfs/a"}, .files = "a:3"},
		/* a whiteout is a file like others here */
		{{"f rootfs/.wh.x"}, .files = ".wh.x:1"},
		/* links are never followed */
		{{"d rootfs/d", "l rootfs/l -> d", "-", "f rootfs/l/x"}, .files = "d:1 l:i0 l/x:4"},
		{{"f rootfs/a", "f rootfs/a"}, .because = "there twice"},
		{{"f other"}, .because = "an ACI has nothing else"},
		{{"d manifest", "f manifest/x"}, .because = "an ACI has nothing else"},
		{{"f rootfs/a", "h rootfs/b -> a"}, .because = "out of rootfs"},
		{{"f rootfs/../x"}, .because = "\"..\""},
	};

	check(TREE_ACI, x, ARRAY_SIZE(x));
}

static void test_whitelist(void **state)
{
	char *whitelist[] = {(char *)"/kept/", (char *)"/d/f", (char *)"/a", NULL};
	static const char *const lines[] = {"f rootfs/a", "f rootfs/ab", "d rootfs/d", "f rootfs/d/f", "f rootfs/d/g",
					    "d rootfs/kept", "f rootfs/kept/x", "d rootfs/other"};
	autoarena a = {};
	autotree *t = tree_new();
	autostr out = {};
	struct err e = {};

	tree_sort_whitelist(whitelist);
	assert_int_equal(tree_begin_layer(t, TREE_ACI, whitelist, &e), 0);
	for (unsigned i = 0; i < ARRAY_SIZE(lines); i++)
		assert_int_equal(add(t, &a, lines[i], i + 1, &e), 0);
	tree_finish(t);
	list(t, TREE_ROOT, "", &out);
	assert_string_equal(out.text, "a:1 d:3 d/f:4 kept:6");
}

/* Depth and length are bounded, by whatever way they grow. */
static void test_bounds(void **state)
{
	autoarena a = {};
	autotree *t = tree_new();
	autostr deep = {}, name = {};
	struct err e = {};

	assert_int_equal(tree_begin_layer(t, TREE_OCI, NULL, &e), 0);
	str_add(&deep, "f ");
	for (int i = 0; i < TREE_DEPTH_MAX; i++)
		str_add(&deep, "d/");
	str_add(&deep, "f");
	assert_int_equal(add(t, &a, deep.text, 1, &e), 0);
	str_add(&deep, "/g");
	assert_int_not_equal(add(t, &a, deep.text, 1, &e), 0);
	str_add(&name, "f ");
	for (int i = 0; i < TREE_NAME_MAX + 1; i++)
		str_add(&name, "n");
	assert_int_not_equal(add(t, &a, name.text, 1, &e), 0);
	assert_non_null(strstr(e.because, "255"));
}

/* Deeper and deeper by links: d/l leads to d/d/…, and each is entered again. */
static void test_depth_by_links(void **state)
{
	autoarena a = {};
	autotree *t = tree_new();
	struct err e = {};
	int r = tree_begin_layer(t, TREE_OCI, NULL, &e);
	autostr at = {};

	str_add(&at, "l s0 -> ");
	for (int i = 0; i < 200; i++)
		str_add(&at, "x/");
	r = add(t, &a, at.text, 1, &e);
	for (unsigned i = 1; i < 10 && !r; i++) {
		autostr next = {};

		str_addf(&next, "l s%u -> s%u/%s", i, i - 1, at.text + strlen("l s0 -> "));
		r = add(t, &a, next.text, 1, &e);
		str_reset(&next);
		str_addf(&next, "f s%u/f", i);
		if (!r)
			r = add(t, &a, next.text, 1, &e);
	}
	assert_int_not_equal(r, 0);
	assert_non_null(strstr(e.because, "directories in each other"));
}

static void test_mount_points(void **state)
{
	static const struct {
		const char *lines[8];
		const char *added; /* a path that must be there, and be new */
		const char *kept;  /* one that must be the image's own */
	} x[] = {
		{{"d etc"}, "/etc/hosts", "/etc"},
		{{"f etc/hosts"}, "/etc/resolv.conf", "/etc/hosts"},
		{{"l etc -> usr/etc"}, "/usr/etc/hostname", NULL},
		{{"l etc/resolv.conf -> ../run/r/resolv.conf"}, "/run/r/resolv.conf", NULL},
		{{"l etc/resolv.conf -> /run/resolv.conf"}, "/run/resolv.conf", NULL},
		{{"l proc -> proc"}, "/sys", NULL},
		{{"f dev"}, "/proc", "/dev"},
		{{"l etc -> ../../..//etc2"}, "/etc2/hosts", NULL},
	};

	for (size_t i = 0; i < ARRAY_SIZE(x); i++) {
		autoarena a = {};
		autotree *t = tree_new();
		struct err e = {};

		assert_int_equal(tree_begin_layer(t, TREE_OCI, NULL, &e), 0);
		for (unsigned k = 0; x[i].lines[k]; k++)
			assert_int_equal(add(t, &a, x[i].lines[k], k + 1, &e), 0);
		assert_int_equal(tree_add_mount_points(t, &e), 0);
		tree_finish(t);
		uint32_t added = tree_find(t, x[i].added, true);

		if (!added || !t->node[added].synthetic)
			fail_msg("%s was not added in case %zu", x[i].added, i);
		if (x[i].kept && t->node[tree_find(t, x[i].kept, true)].synthetic)
			fail_msg("%s was added in case %zu", x[i].kept, i);
	}
}

static void test_find(void **state)
{
	static const char *const lines[] = {"d a", "f a/x", "l l -> a", "l a/up -> ../../../l/x", "l loop -> loop"};
	autoarena a = {};
	autotree *t = tree_new();
	struct err e = {};

	assert_int_equal(tree_begin_layer(t, TREE_OCI, NULL, &e), 0);
	for (unsigned i = 0; i < ARRAY_SIZE(lines); i++)
		assert_int_equal(add(t, &a, lines[i], i + 1, &e), 0);
	uint32_t x = tree_find(t, "/a/x", false);

	assert_int_not_equal(x, 0);
	assert_int_equal(tree_find(t, "l/x", true), x);
	assert_int_equal(tree_find(t, "/a/up", true), x);
	assert_int_not_equal(tree_find(t, "/a/up", false), x);
	assert_int_equal(tree_find(t, "/a/../l/../a/x", true), x);
	assert_int_equal(tree_find(t, "/loop", true), 0);
	assert_int_equal(tree_find(t, "/a/x/y", true), 0);
	assert_int_equal(tree_find(t, "/", true), TREE_ROOT);
	assert_int_equal(tree_find(t, "/none", true), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_layers),    cmocka_unit_test(test_whiteouts),      cmocka_unit_test(test_symlinks),
		cmocka_unit_test(test_hard_links), cmocka_unit_test(test_hostile),       cmocka_unit_test(test_aci),
		cmocka_unit_test(test_whitelist), cmocka_unit_test(test_bounds),         cmocka_unit_test(test_depth_by_links),
		cmocka_unit_test(test_mount_points), cmocka_unit_test(test_find),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
