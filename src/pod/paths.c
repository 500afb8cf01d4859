/* SPDX-License-Identifier: Apache-2.0 */
/* Word-wise path cleaning, and the rule where an app's mounts may lie. Pure: see base/path.h for
 * real opens. */
#include "pod/paths.h"

#include <limits.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/path.h"
#include "base/str.h"

/* Takes the last part off the path in out. */
static void drop_last(struct str *out)
{
	while (out->len && out->text[out->len - 1] != '/')
		out->len--;
	if (out->len)
		out->len--;
	if (out->text)
		out->text[out->len] = 0;
}

static void add_parts(struct str *out, const char *path)
{
	while (*path) {
		size_t n = strcspn(path, "/");

		if (n == 2 && !memcmp(path, "..", 2)) {
			drop_last(out);
		} else if (n && !(n == 1 && *path == '.')) {
			str_add_char(out, '/');
			str_add_bytes(out, path, n);
		}
		path += n + (path[n] == '/');
	}
}

char *path_clean(struct arena *a, const char *base, const char *path)
{
	autostr out = {};

	if (strlen(path) >= PATH_MAX)
		return NULL;
	if (*path != '/' && base)
		add_parts(&out, base);
	add_parts(&out, path);
	if (out.len >= PATH_MAX)
		return NULL;
	return arena_strdup(a, out.len ? out.text : "/");
}

static const char *const reserved[] = {"/proc", "/sys", "/dev"};

const char *path_target_refusal(const char *target)
{
	size_t len = strlen(target);

	if (len >= PATH_MAX)
		return "the path in the app is longer than 4095 characters";
	if (!path_is_clean_absolute(target) || target[len - 1] == '/')
		return "the path in the app must be absolute, without '.' and '..', and not '/' "
		       "itself";
	for (size_t i = 0; i < ARRAY_SIZE(reserved); i++) {
		size_t n = strlen(reserved[i]);

		if (!strncmp(target, reserved[i], n) && (target[n] == 0 || target[n] == '/'))
			return "/proc, /sys and /dev are Rocket's own in every app: a device is a "
			       "hole (dev:PATH), "
			       "and the size of /dev/shm is the pod's key shm";
	}
	return NULL;
}

char *path_cut_slash(char *path)
{
	size_t n = strlen(path);

	if (n > 1 && path[n - 1] == '/')
		path[n - 1] = 0;
	return path;
}
