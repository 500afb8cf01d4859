/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Docker's flags, rewritten as holes, volumes and mounts: -p -v --tmpfs --device --cap-add
 * --network
 * --privileged. Each hole remembers the flag that opened it, and the ledger shows it. What such a
 * flag means in docker and can't mean here is refused by name. Pure.
 */
#include <ctype.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "base/unit.h"
#include "pod/flags_parts.h"
#include "pod/limits.h"
#include "pod/mounts.h"
#include "pod/names.h"

/* "[ADDR:][PORT:]APPPORT[/PROTO]" into "in:…" */
int flags_publish(struct flags *f, const struct flag *flag, struct pod_app *app, struct err *e)
{
	char *value = arena_strdup(f->arena, flag->value);
	char *last = strrchr(value, ':');
	char *first = NULL;
	const char *text;

	if (!last && strchr(value, '-'))
		return flag_bad(f, flag, e,
				"a range of the app's ports needs a range of the host's before it, "
				"as in 8000-8010:8000-8010");
	if (!last) {
		text = arena_printf(f->arena, "in:0:%s", value);
		return flag_add_hole(f, text, app->name, flag_text(f, flag), e);
	}
	*last = 0;
	first = strrchr(value, ':');
	if (*value == '[' && first && !strchr(first, ']'))
		first[0] = 0;
	else if (first && *value != '[')
		first[0] = 0;
	else
		first = NULL;
	if (first && !first[1])
		text = arena_printf(f->arena, "in:%s:0:%s", value, last + 1);
	else if (first)
		text = arena_printf(f->arena, "in:%s:%s:%s", value, first + 1, last + 1);
	else
		text = arena_printf(f->arena, "in:%s:%s", *value ? value : "0", last + 1);
	return flag_add_hole(f, text, app->name, flag_text(f, flag), e);
}

/* ---- -v ---- */

struct volume_flag {
	char *source, *target; /* source NULL: a volume without a name */
	bool read_only;
};

static int volume_options(const struct flags *f, const struct flag *flag, char *options,
			  struct volume_flag *v, struct err *e)
{
	char *save = NULL;

	for (char *word = strtok_r(options, ",", &save); word; word = strtok_r(NULL, ",", &save)) {
		if (!strcmp(word, "ro"))
			v->read_only = true;
		else if (strcmp(word, "rw"))
			return flag_bad(f, flag, e,
					"of docker's options for -v there are ro and rw here");
	}
	return 0;
}

/* "DST", "SRC:DST", "SRC:DST:OPTIONS" */
static int volume_split(const struct flags *f, const struct flag *flag, struct volume_flag *v,
			struct err *e)
{
	char *value = arena_strdup(f->arena, flag->value);
	char *colon = strchr(value, ':'), *options;

	if (!colon) {
		v->target = value;
		return 0;
	}
	*colon = 0;
	v->source = value;
	v->target = colon + 1;
	options = strchr(v->target, ':');
	if (!options)
		return 0;
	*options = 0;
	return volume_options(f, flag, options + 1, v, e);
}

static int volume_path(struct flags *f, const struct flag *flag, const struct volume_flag *v,
		       struct pod_app *app, struct err *e)
{
	const char *text = arena_printf(f->arena, "path:%s:%s%s", v->source, v->target,
					v->read_only ? "" : ":rw");
	int rc = flag_add_hole(f, text, app->name, flag_text(f, flag), e);

	if (!rc)
		f->pod.holes.v[f->pod.holes.n - 1].writable_is_docker = !v->read_only;
	return rc;
}

/* A volume that -v did not name lives with the pod and is called after the app and the path. */
static char *anonymous_name(struct flags *f, const struct pod_app *app, const char *target)
{
	char *stem = arena_printf(f->arena, "%s%.60s", app->name, target), *name = stem;

	for (char *p = stem; *p; p++)
		if (!isalnum((unsigned char)*p))
			*p = '-';
	for (unsigned i = 2; pod_find_volume(&f->pod, name); i++)
		name = arena_printf(f->arena, "%s-%u", stem, i);
	return arena_printf(f->arena, "%s", name);
}

static int volume_named(struct flags *f, const struct flag *flag, const struct volume_flag *v,
			struct pod_app *app, struct err *e)
{
	char *name = v->source ? v->source : anonymous_name(f, app, v->target);
	struct pod_mount *m;
	int rc = name_check(NAME_VOLUME, name, e);

	if (rc)
		return rc;
	if (!strcmp(name, "tmpfs"))
		return flag_bad(f, flag, e, "a volume can't be named tmpfs; --tmpfs gives memory");
	if (!pod_find_volume(&f->pod, name))
		*list_add(f->arena, &f->pod.volumes) =
			(struct pod_volume){.name = name, .keep = v->source != NULL};
	m = list_add(f->arena, &app->mounts);
	*m = (struct pod_mount){.kind = MOUNT_VOLUME,
				.volume = name,
				.target = v->target,
				.read_only = v->read_only};
	return 0;
}

int flags_volume(struct flags *f, const struct flag *flag, struct pod_app *app, struct err *e)
{
	struct volume_flag v = {};
	int rc;

	if ((rc = volume_split(f, flag, &v, e)))
		return rc;
	if (v.source && !*v.source)
		return flag_bad(f, flag, e, "what to mount is missing before the ':'");
	if ((rc = mount_check_target(v.target, e)))
		return rc;
	if (v.source && (*v.source == '/' || *v.source == '.'))
		return volume_path(f, flag, &v, app, e);
	return volume_named(f, flag, &v, app, e);
}

/* ---- --tmpfs ---- */

static int tmpfs_option(const struct flags *f, const struct flag *flag, const char *word,
			struct pod_mount *m, struct err *e)
{
	static const char *const always[] = {"rw", "nosuid", "nodev", NULL};

	for (const char *const *p = always; *p; p++)
		if (!strcmp(*p, word))
			return 0;
	if (!strcmp(word, "exec") || !strcmp(word, "noexec")) {
		m->noexec = word[0] == 'n';
		return 0;
	}
	if (str_has_prefix(word, "size=") && !unit_parse_docker_size(word + 5, &m->size_bytes) &&
	    m->size_bytes)
		return 0;
	if (str_has_prefix(word, "mode=") && !limits_parse_mode(word + 5, &m->mode))
		return 0;
	return flag_bad(f, flag, e,
			"of docker's options for --tmpfs there are size=64m, mode=1777, exec and "
			"noexec here");
}

/* Docker's default is noexec, and that is kept for docker's flag. */
int flags_tmpfs(struct flags *f, const struct flag *flag, struct pod_app *app, struct err *e)
{
	struct pod_mount m = {.kind = MOUNT_TMPFS, .noexec = true};
	char *save = NULL, *options;
	int rc = 0;

	m.target = arena_strdup(f->arena, flag->value);
	options = strchr(m.target, ':');
	if (options)
		*options++ = 0;
	if ((rc = mount_check_target(m.target, e)))
		return rc;
	for (char *word = options ? strtok_r(options, ",", &save) : NULL; word && !rc;
	     word = strtok_r(NULL, ",", &save))
		rc = tmpfs_option(f, flag, word, &m, e);
	if (rc)
		return rc;
	*list_add(f->arena, &app->mounts) = m;
	return 0;
}

/* ---- the rest ---- */

int flags_device(struct flags *f, const struct flag *flag, struct pod_app *app, struct err *e)
{
	return flag_add_hole(f, arena_printf(f->arena, "dev:%s", flag->value), app->name,
			     flag_text(f, flag), e);
}

int flags_cap_add(struct flags *f, const struct flag *flag, struct pod_app *app, struct err *e)
{
	return flag_add_hole(f, arena_printf(f->arena, "cap:%s", flag->value), app->name,
			     flag_text(f, flag), e);
}

/* A pod has no network but its own: "none" is what it has. */
int flags_network(struct flags *f, const struct flag *flag, struct err *e)
{
	if (str_equal(flag->value, "none"))
		return 0;
	if (str_equal(flag->value, "host"))
		return flag_add_hole(f, "ns:net", NULL, flag_text(f, flag), e);
	flag_bad(f, flag, e, "there are no networks to join: a pod is closed, and holes open it");
	return err_try(e, "--hole in:8080:80 for a port");
}

int flags_privileged(struct flags *f, const struct flag *flag, struct err *e)
{
	static const char *const holes[] = {"ns:user", "cap:ALL", "newprivs"};
	int rc = 0;

	for (size_t i = 0; i < ARRAY_SIZE(holes) && !rc; i++)
		rc = flag_add_hole(f, holes[i], NULL, flag_text(f, flag), e);
	return rc;
}
