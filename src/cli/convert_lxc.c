/* SPDX-License-Identifier: Apache-2.0 */
/* LXC's config from disk to standard output. See convert_lxc.h; what its words mean is pod/lxc.h's. */
#include "cli/convert_lxc.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "base/str.h"
#include "pod/lxc.h"

enum { CONFIG_MAX = 1 << 20, FOLDER_MAX = 256 };

static int by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int add_file(int dirfd, const char *name, struct str *out, struct err *e)
{
	autofree char *text = NULL;
	size_t n;

	if (io_read_file(dirfd, name, CONFIG_MAX, &text, &n, e) < 0)
		return -e->code;
	if (out->len + n > CONFIG_MAX)
		return err_new(e, ERR_USAGE, "the included files are larger than %d bytes", CONFIG_MAX);
	str_add_bytes(out, text, n);
	str_add_char(out, '\n');
	return 0;
}

/* All *.conf of a folder, in the order of their names, as LXC takes them. */
static int read_folder(struct arena *a, int fd, struct str *out, struct err *e)
{
	autoclosedir DIR *d = fdopendir(fd);
	char **names = NULL;
	struct dirent *entry;
	size_t n = 0;
	int r = 0;

	while (d && (entry = readdir(d)) && n < FOLDER_MAX)
		if (str_has_suffix(entry->d_name, ".conf")) {
			arena_strv_add(a, &names, entry->d_name);
			n++;
		}
	if (n)
		qsort(names, n, sizeof(*names), by_name);
	for (size_t i = 0; i < n && r == 0; i++)
		r = add_file(dirfd(d), names[i], out, e);
	return r;
}

static int read_config(void *context, const char *path, const char **ret_text, size_t *ret_len, struct err *e)
{
	struct cli *cli = context;
	autostr text = {};
	int folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int r = folder >= 0 ? read_folder(cli->arena, folder, &text, e) : add_file(AT_FDCWD, path, &text, e);

	if (r < 0)
		return r;
	char *copy = arena_alloc(cli->arena, text.len + 1);

	if (text.len)
		memcpy(copy, text.text, text.len);
	copy[text.len] = 0;
	*ret_text = copy;
	*ret_len = text.len;
	return 0;
}

/* People's business, so not silenced by -q: what is lost decides whether the manifest is of use. */
static void say_losses(const struct lxc_losses *losses)
{
	for (size_t i = 0; i < losses->list.n; i++) {
		const struct lxc_lost *l = &losses->list.v[i];
		autostr line = {}, shown = {};

		str_addf(&line, "lost: %s: %s   (%s)", l->place, l->what, l->why);
		str_add_visible(&shown, str_text(&line));
		str_add_char(&shown, '\n');
		(void)!io_write_all(STDERR_FILENO, shown.text, shown.len);
	}
}

int convert_from_lxc(struct cli *cli, const char *path, bool lossy, struct err *e)
{
	const struct lxc_input in = {.arena = cli->arena, .file = path, .read_file = read_config, .context = cli};
	struct lxc_losses losses = {};
	autostr manifest = {};
	const char *text;
	size_t n;

	if (read_config(cli, path, &text, &n, e) < 0 || lxc_convert(&in, text, n, &manifest, &losses, e) < 0)
		return -e->code;
	say_losses(&losses);
	if (losses.list.n && !lossy) {
		err_new(e, ERR_FAILED, "%zu settings of %s can't be carried over", losses.list.n, path);
		err_because(e, "the lines above name each, with its reason");
		return err_try(e, "rocket convert --from lxc --lossy %s   (without them)", path);
	}
	return cli_print(cli, manifest.text, manifest.len);
}
