/* SPDX-License-Identifier: Apache-2.0 */
/* The world of world.h. Nothing here asserts; it answers as a host would. */
#include "world.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "pod/manifest.h"

static const char zone_berlin[] =
	"TZif2\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
	"TZif2 data \nCET-1CEST,M3.5.0,M10.5.0/3\n";

static char **words(struct arena *a, const char *text)
{
	char **list = NULL, *save = NULL;

	for (char *w = strtok_r(arena_strdup(a, text), " ", &save); w;
	     w = strtok_r(NULL, " ", &save))
		arena_strv_add(a, &list, w);
	return list;
}

struct image *world_image(struct world *w, const char *name)
{
	struct world_image *i;

	for (size_t n = 0; n < w->images.n; n++)
		if (!strcmp(w->images.v[n].name, name))
			return &w->images.v[n].image;
	i = list_add(&w->arena, &w->images);
	i->name = name;
	i->image = (struct image){
		.manifest_digest = arena_printf(&w->arena, "sha256:%s", name),
		.view = arena_printf(&w->arena, "view-%s", name),
		.max_id = 999,
	};
	return &i->image;
}

void world_text(struct world *w, const char *path, const char *text)
{
	*list_add(&w->arena, &w->texts) = (struct world_text){path, text, strlen(text)};
}

static void add_host(struct world *w, const char *path, enum host_file_kind kind, uint32_t major,
		     uint32_t minor)
{
	*list_add(&w->arena, &w->host) = (struct world_file){path, {kind, major, minor}};
}

void world_init(struct world *w)
{
	struct image *nginx, *redis, *box;

	*w = (struct world){.ids = {524288, 65536}, .term = "vt220", .nofile_hard = 1048576};
	w->passwd = "root:x:0:0:root:/root:/bin/sh\n"
		    "# a comment\n"
		    "web:x:101:101:web:/var/www:/bin/false\n"
		    "redis:x:999:999::/data:/bin/false\n"
		    "homeless:x:77:77:::\n"
		    "1000:x:0:0::/root:/bin/sh\n"
		    "huge:x:4294967296:0::/:/bin/sh\n"
		    "minus:x:-1:0::/:/bin/sh\n";
	w->group = "root:x:0:\nadm:x:4:web,other\nwww:x:33:web\nvideo:x:44:nobody\nbad:x:"
		   "99999999999:web\nweb:x:101:\n";
	nginx = world_image(w, "nginx");
	nginx->config.entrypoint = words(&w->arena, "/entry.sh");
	nginx->config.cmd = words(&w->arena, "nginx -g daemon");
	nginx->config.env = words(&w->arena, "PATH=/bin NGINX=1.27");
	nginx->config.stop_signal = arena_strdup(&w->arena, "SIGQUIT");
	nginx->config.ports = words(&w->arena, "80/tcp");
	redis = world_image(w, "redis");
	redis->config.cmd = words(&w->arena, "redis-server");
	redis->config.user = arena_strdup(&w->arena, "redis");
	redis->config.volumes = words(&w->arena, "/data");
	redis->config.workdir = arena_strdup(&w->arena, "/data");
	box = world_image(w, "box");
	box->config.cmd = words(&w->arena, "/bin/sh");
	add_host(w, "/srv/site", HOST_FILE_DIR, 0, 0);
	add_host(w, "/base/site", HOST_FILE_DIR, 0, 0);
	add_host(w, "/srv/file", HOST_FILE_REGULAR, 0, 0);
	add_host(w, "/run/x.sock", HOST_FILE_SOCKET, 0, 0);
	add_host(w, "/dev/fuse", HOST_FILE_CHAR, 10, 229);
	add_host(w, "/dev/sdx", HOST_FILE_BLOCK, 8, 0);
	add_host(w, "/dev/dri", HOST_FILE_DIR, 0, 0);
}

void world_free(struct world *w)
{
	arena_free(&w->arena);
}

/* ---- the callbacks ---- */

static int find_image(void *context, const char *name, const struct image **ret, struct err *e)
{
	struct world *w = context;

	for (size_t i = 0; i < w->images.n; i++) {
		if (strcmp(w->images.v[i].name, name))
			continue;
		*ret = &w->images.v[i].image;
		return 0;
	}
	return err_new(e, ERR_NOT_FOUND, "there is no image %s", name);
}

static int read_accounts(void *context, const struct image *img, const char *which,
			 const char **ret, struct err *e)
{
	struct world *w = context;

	*ret = strcmp(which, "passwd") ? w->group : w->passwd;
	return 0;
}

static int stat_host(void *context, const char *path, struct host_file *ret, struct err *e)
{
	struct world *w = context;

	for (size_t i = 0; i < w->host.n; i++) {
		if (strcmp(w->host.v[i].path, path))
			continue;
		*ret = w->host.v[i].file;
		return 0;
	}
	return err_new(e, ERR_NOT_FOUND, "the host has no %s", path);
}

static int read_zone(void *context, const char *zone, const void **ret, size_t *ret_n,
		     struct err *e)
{
	if (strcmp(zone, "Europe/Berlin"))
		return err_new(e, ERR_NOT_FOUND, "no such zone");
	*ret = zone_berlin;
	*ret_n = sizeof(zone_berlin) - 1;
	return 0;
}

static bool name_is_free(void *context, const char *name)
{
	struct world *w = context;
	size_t n = strlen(name);

	if (w->taken && !strcmp(w->taken, "*"))
		return name[n - 1] >= '0' && name[n - 1] <= '9';
	return !str_equal(name, w->taken);
}

static int read_file(void *context, const char *path, const char **ret_text, size_t *ret_len,
		     struct err *e)
{
	struct world *w = context;

	for (size_t i = 0; i < w->texts.n; i++) {
		if (strcmp(w->texts.v[i].path, path))
			continue;
		*ret_text = w->texts.v[i].text;
		*ret_len = w->texts.v[i].len;
		return 0;
	}
	return err_new(e, ERR_NOT_FOUND, "no file %s", path);
}

/* A folder of an image: "IMAGE:PATH" among the texts; its text is "empty" or what lies in it. */
static int stat_folder(void *context, const struct image *img, const char *path, struct image_folder *ret,
		       struct err *e)
{
	struct world *w = context;
	const char *key = arena_printf(&w->arena, "%s:%s", img->view, path);

	*ret = (struct image_folder){};
	for (size_t i = 0; i < w->texts.n; i++) {
		if (strcmp(w->texts.v[i].path, key))
			continue;
		*ret = (struct image_folder){.exists = true, .is_folder = true, .uid = 33, .gid = 33, .mode = 0775};
		ret->empty = !strcmp(w->texts.v[i].text, "empty");
	}
	return 0;
}

/* ---- documents and lines to pods to plans ---- */

int world_parse(struct world *w, const char *yaml, struct pod *ret, struct err *e)
{
	struct native_input in = {.arena = &w->arena, .file = "pod.yaml", .base_dir = "/base"};

	return manifest_parse(&in, yaml, strlen(yaml), ret, e);
}

int world_resolve(struct world *w, const struct pod *pod, struct plan *ret, struct err *e)
{
	struct pod_inputs in = {
		.arena = &w->arena,
		.pod = pod,
		.id = "0123456789abcdef0123456789abcdef",
		.created_ns = 42,
		.random = 7,
		.host = {.boot_id = "boot",
			 .cgroup = "rocket/0123",
			 .ids = w->ids,
			 .nofile_hard = w->nofile_hard,
			 .term = w->term},
		.sources = {w, find_image, read_accounts, stat_host, read_zone, name_is_free, stat_folder},
	};

	return plan_resolve(&in, ret, e);
}

int world_plan(struct world *w, const char *yaml, struct plan *ret, struct err *e)
{
	struct pod pod;
	int rc = world_parse(w, yaml, &pod, e);

	return rc ? rc : world_resolve(w, &pod, ret, e);
}

static char *const environment[] = {(char *)"HOME=/home/me", (char *)"TOKEN=s3cret",
				    (char *)"EMPTY=", NULL};
static const struct opt globals[] = {{"quiet", 'q', .help = "say less"}, {}};

static int take_global(void *context, const struct opt *o, const char *value, struct err *e)
{
	return 0;
}

int world_line(struct world *w, const char *line, struct pod *ret, struct run_flags *ret_run,
	       struct err *e)
{
	char **argv = words(&w->arena, line);
	struct flags_input in = {
		.arena = &w->arena,
		.argc = (int)strv_len(argv),
		.argv = argv,
		.environ = environment,
		.base_dir = "/base",
		.globals = globals,
		.take_global = take_global,
		.read_file = read_file,
		.context = w,
	};

	for (char **p = argv; *p; p++)
		for (char *c = *p; *c; c++)
			*c = *c == '\a' ? ' ' : *c;
	return flags_parse(&in, ret, ret_run, e);
}

int world_line_plan(struct world *w, const char *line, struct plan *ret, struct err *e)
{
	struct run_flags run;
	struct pod pod;
	int rc = world_line(w, line, &pod, &run, e);

	return rc ? rc : world_resolve(w, &pod, ret, e);
}

/* ---- looking at plans ---- */

const char *world_env(const struct plan_app *app, const char *key)
{
	size_t n = strlen(key);

	for (char **p = app->env; p && *p; p++)
		if (!strncmp(*p, key, n) && (*p)[n] == '=')
			return *p + n + 1;
	return NULL;
}

const char *world_join(struct world *w, char *const *list)
{
	autostr out = {};

	for (; list && *list; list++)
		str_addf(&out, "%s%s", out.len ? " " : "", *list);
	return arena_strdup(&w->arena, str_text(&out));
}

const struct plan_mount *world_mount(const struct plan_app *app, const char *target)
{
	for (size_t i = 0; i < app->mounts.n; i++)
		if (!strcmp(app->mounts.v[i].target, target))
			return &app->mounts.v[i];
	return NULL;
}
