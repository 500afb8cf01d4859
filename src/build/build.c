/* SPDX-License-Identifier: Apache-2.0 */
/* The steps of one build, one function each, over one record of what is known so far. */
#include "build/build.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "base/path.h"
#include "base/str.h"
#include "base/unit.h"
#include "build/gather.h"
#include "build/keep.h"
#include "build/layer.h"
#include "build/oci.h"
#include "store/blob.h"
#include "store/rebuild.h"

enum { MAX_RECIPE = 4 << 20, MAX_PASSWD = 16 << 20 };
#define MAX_TIME 253402300799 /* the last second of the year 9999 */

struct build {
	struct arena *a;
	const struct store *store;
	const struct build_request *request;
	struct recipe recipe;
	char *name;
	struct source folder, tree;
	struct store_image base; /* when recipe.base is set */
	struct rebuilt base_view;
	char *base_passwd, *base_group; /* malloc'ed */
	struct gathered gathered;
	struct layer layer;
	struct image image;
	struct err *e;
};

static void build_free(struct build *b)
{
	source_close(&b->folder);
	source_close(&b->tree);
	rebuild_close(&b->base_view);
	free(b->base_passwd);
	free(b->base_group);
}

/* ---- what is asked ---- */

static bool is_dockerfile_name(const char *file)
{
	const char *base = path_base(file);

	return str_has_prefix(base, "Dockerfile") || str_has_prefix(base, "Containerfile") ||
	       str_has_suffix(base, ".Dockerfile") || str_has_suffix(base, ".dockerfile");
}

static int refuse_dockerfile(const char *file, struct err *e)
{
	err_new(e, ERR_POLICY, "%s is a Dockerfile, which this version can't build", file);
	err_because(e, "its RUN steps need a builder that runs programs in a pod; that is not built yet. "
		       "A recipe names files and runs nothing");
	return err_try(e, "man rocket-recipe, or build it elsewhere and: rocket image import FILE");
}

/* No recipe: a Dockerfile beside it tells what was meant. */
static int missing_recipe(const struct build *b, const char *file)
{
	static const char *const names[] = {"Dockerfile", "Containerfile"};
	struct stat st;

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (!b->request->file && source_lstat(&b->folder, names[i], &st) == 0)
			return refuse_dockerfile(arena_printf(b->a, "%s/%s", b->request->folder, names[i]), b->e);
	err_new(b->e, ERR_NOT_FOUND, "there is no recipe %s", file);
	err_because(b->e, "No such file or directory");
	return err_try(b->e, "man rocket-recipe shows one; -f FILE names another");
}

static int read_recipe(struct build *b)
{
	const char *file = b->request->file;
	autofree char *text = NULL;
	size_t len;

	if (!file)
		file = arena_printf(b->a, "%s/%s", b->request->folder, BUILD_RECIPE);
	if (io_read_file(AT_FDCWD, file, MAX_RECIPE, &text, &len, b->e))
		return b->e->errnum == ENOENT ? missing_recipe(b, file) : -b->e->code;
	if (is_dockerfile_name(file) || recipe_is_dockerfile(text))
		return refuse_dockerfile(file, b->e);
	return recipe_read(b->a, file, text, len, &b->recipe, b->e);
}

static int choose_name(struct build *b)
{
	const char *name = b->request->name ? b->request->name : b->recipe.name;

	if (name)
		return store_normalise_name(b->a, name, &b->name, b->e);
	err_new(b->e, ERR_USAGE, "the image has no name");
	err_because(b->e, "neither the recipe nor -t gives one");
	return err_try(b->e, "rocket build -t NAME %s, or name: NAME in the recipe", b->request->folder);
}

static int open_folder(struct build *b)
{
	return source_open(AT_FDCWD, b->request->folder, b->request->folder, &b->folder, b->e);
}

/* --from is relative to where the user stands, from: to the recipe's folder; neither is the host. */
static int open_tree(struct build *b)
{
	const char *from = b->request->from;

	if (!from && b->recipe.from && b->recipe.from[0] != '/')
		from = arena_printf(b->a, "%s/%s", b->request->folder, b->recipe.from);
	else if (!from)
		from = b->recipe.from;
	if (!from || str_equal(from, "/"))
		return source_open(AT_FDCWD, "/", "this host", &b->tree, b->e);
	return source_open(AT_FDCWD, from, from, &b->tree, b->e);
}

/* ---- the base ---- */

static int open_base(struct build *b)
{
	const struct image *img = &b->base.image;
	int rc;

	if (!b->recipe.base)
		return 0;
	rc = store_find_image(b->store, b->a, b->recipe.base, &b->base, b->e);
	if (rc)
		return rc;
	if (img->format == IMAGE_ACI) {
		err_new(b->e, ERR_USAGE, "%s is an appc image, which can't be a base", b->recipe.base);
		err_because(b->e, "its layers have other rules than OCI's");
		return err_try(b->e, "rocket image export --format oci-archive %s FILE, and import that", b->recipe.base);
	}
	rc = rebuild_open(b->store, img->view, &b->base_view, b->e);
	if (!rc)
		rc = store_read_accounts(b->store, img, "passwd", &b->base_passwd, b->e);
	return rc ? rc : store_read_accounts(b->store, img, "group", &b->base_group, b->e);
}

/* ---- what will be ---- */

static int gather(struct build *b)
{
	const struct gather_input in = {
		.recipe = &b->recipe,
		.tree = &b->tree,
		.folder = &b->folder,
		.base = b->base_view.tree,
		.base_passwd = b->base_passwd ? b->base_passwd : "",
		.base_group = b->base_group ? b->base_group : "",
		.note = b->request->note,
	};

	return gather_files(b->a, &in, &b->gathered, b->e);
}

static int make_config(struct build *b)
{
	const struct image_config *base = b->recipe.base ? &b->base.image.config : NULL;
	struct image_config *config = &b->image.config;

	oci_make_config(b->a, &b->recipe, base, b->request->time_s, config);
	config->arch = b->recipe.arch ? b->recipe.arch : (char *)b->gathered.arch;
	config->variant = b->recipe.arch ? NULL : (char *)b->gathered.variant;
	if (!config->arch && base) {
		config->arch = base->arch;
		config->variant = base->variant;
	}
	if (config->arch)
		return 0;
	err_new(b->e, ERR_USAGE, "it is unknown what machine the image is for");
	err_because(b->e, "none of its files is a program");
	return err_try(b->e, "add arch: amd64 (or arm64, …) to the recipe");
}

/* Is the program that a start would execute in the image? A name without "/" is looked for in PATH. */
static bool has_program(const struct build *b, const char *path)
{
	const struct rootfs_entry *entry = rootfs_follow(&b->gathered.rootfs, path);
	const struct tree *base = b->base_view.tree;

	return (entry && entry->kind == ROOTFS_FILE) || (base && tree_find(base, path, true));
}

static bool find_in_path(struct build *b, const char *name)
{
	static const char default_path[] = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
	const char *path = default_path;
	char *rest, *dir;

	for (char **env = b->image.config.env; env && *env; env++)
		if (str_has_prefix(*env, "PATH="))
			path = *env + 5;
	rest = arena_strdup(b->a, path);
	while ((dir = strsep(&rest, ":")))
		if (has_program(b, arena_printf(b->a, "%s/%s", dir, name)))
			return true;
	return false;
}

static int check_program(struct build *b)
{
	const struct image_config *c = &b->image.config;
	char **argv = c->entrypoint && c->entrypoint[0] ? c->entrypoint : c->cmd;

	if (!argv || !argv[0])
		return 0;
	if (argv[0][0] == '/' ? has_program(b, argv[0]) : find_in_path(b, argv[0]))
		return 0;
	if (argv[0][0] != '/' && strchr(argv[0], '/'))
		return 0; /* relative to a working directory that a start may change */
	err_new(b->e, ERR_NOT_FOUND, "the image would start %s, which is not in it", argv[0]);
	err_because(b->e, "%s", argv[0][0] == '/' ? "no item of files puts it there" : "no directory of its PATH has it");
	return err_try(b->e, "add it to files:, or correct entrypoint: or cmd:");
}

static int check_user(struct build *b)
{
	const char *user = b->image.config.user;
	struct recipe_owner owner = {.given = true};
	uint32_t uid, gid;
	char *colon;

	if (!user || !user[0])
		return 0;
	owner.user = arena_strdup(b->a, user);
	colon = strchr(owner.user, ':');
	if (colon) {
		*colon = 0;
		owner.group = colon + 1;
	}
	if (!accounts_find_owner(&b->gathered.accounts, &owner, &uid, &gid, b->e))
		return 0;
	err_new(b->e, ERR_USAGE, "the image would run as %s, whom it does not know", user);
	err_because(b->e, "neither users: and groups: nor the base have it");
	return err_try(b->e, "add it to users:, or use a number");
}

/* ---- into the store ---- */

/* The layer's tar goes straight to its place. A recipe that adds no file to its base adds no layer. */
static int write_layer(struct build *b)
{
	const struct layer_options options = {.time_s = b->request->time_s, .leave_implied = b->recipe.base != NULL};
	autoblob w = BLOB_WRITER_NONE;
	int rc;

	if (!b->gathered.rootfs.entries.n)
		return 0;
	rc = blob_writer_open(b->store, BLOB_SHA256, &w, b->e);
	if (!rc)
		rc = layer_write(w.fd, &b->gathered.rootfs, &options, &b->layer, b->e);
	return rc ? rc : blob_writer_commit(&w, b->layer.diff_id + strlen("sha256:"), b->e);
}

/* All layers as what they are in the store: tars. A base gives the same bytes however it was compressed. */
static void add_layer(struct build *b, const char *diff_id, uint64_t size)
{
	struct image_layer *layer = list_add(b->a, &b->image.layers);

	layer->diff_id = layer->digest = arena_strdup(b->a, diff_id);
	layer->size = layer->tar_size = size;
	layer->media_type = arena_strdup(b->a, OCI_TYPE_LAYER);
}

static void list_layers(struct build *b)
{
	for (size_t i = 0; i < b->base.image.layers.n; i++)
		add_layer(b, b->base.image.layers.v[i].diff_id, b->base.image.layers.v[i].tar_size);
	if (b->layer.size)
		add_layer(b, b->layer.diff_id, b->layer.size);
}

/* Without getpwuid(3), which a static program can't use everywhere; a user of elsewhere is a number here. */
static char *user_name(struct arena *a)
{
	autofree char *passwd = NULL;
	struct err ignored = {};
	char *name = NULL;
	size_t len;

	if (!io_read_file(AT_FDCWD, "/etc/passwd", MAX_PASSWD, &passwd, &len, &ignored))
		name = accounts_name_of(a, passwd, getuid());
	return name ? name : arena_printf(a, "%u", getuid());
}

static char *recipe_path(const struct build *b)
{
	char *path = b->request->file ? arena_strdup(b->a, b->request->file) :
					arena_printf(b->a, "%s/%s", b->request->folder, BUILD_RECIPE);
	char full[PATH_MAX];

	return realpath(path, full) ? arena_strdup(b->a, full) : path;
}

static void vouch(struct build *b)
{
	b->image.format = IMAGE_OCI;
	b->image.manifest_type = arena_strdup(b->a, OCI_TYPE_MANIFEST);
	b->image.vouch = (struct image_vouch){
		.how = arena_strdup(b->a, "built"),
		.who = user_name(b->a),
		.source = recipe_path(b),
		.when_ns = io_now_ns(),
	};
}

static int keep(struct build *b)
{
	struct oci_layer *layers;
	autostr config = {}, manifest = {};
	struct oci_image oci = {.config = &b->image.config};
	char digest[DIGEST_TEXT_MAX];
	struct keep k = {.name = b->name};
	int rc;

	list_layers(b);
	vouch(b);
	layers = arena_alloc(b->a, b->image.layers.n * sizeof(*layers));
	for (size_t i = 0; i < b->image.layers.n; i++)
		layers[i] = (struct oci_layer){.diff_id = b->image.layers.v[i].diff_id,
					       .digest = b->image.layers.v[i].digest,
					       .media_type = b->image.layers.v[i].media_type,
					       .size = b->image.layers.v[i].size};
	oci.layers = layers;
	oci.n_layers = b->image.layers.n;
	oci_write_config(&config, &oci);
	digest_text(config.text, config.len, digest);
	oci_write_manifest(&manifest, &oci, digest, config.len);
	k.config = config.text;
	k.config_len = config.len;
	k.manifest = manifest.text;
	k.manifest_len = manifest.len;
	k.image = b->image;
	rc = keep_image(b->a, b->store, &k, b->e);
	b->image = k.image;
	return rc;
}

static void tell(const struct build *b, struct built *ret)
{
	*ret = (struct built){
		.name = b->name,
		.id = b->image.id,
		.manifest_digest = b->image.manifest_digest,
		.layer_size = b->layer.size,
		.n_files = b->gathered.rootfs.entries.n,
		.n_layers = b->image.layers.n,
	};
	for (size_t i = 0; i < b->image.layers.n; i++)
		ret->size += b->image.layers.v[i].tar_size;
}

int build_image(struct arena *a, const struct store *s, const struct build_request *request, struct built *ret,
		struct err *e)
{
	static int (*const steps[])(struct build *b) = {
		open_folder, read_recipe, choose_name, open_tree,   open_base, gather,
		make_config, check_program, check_user, write_layer, keep,
	};
	[[gnu::cleanup(build_free)]] struct build b = {
		.a = a,
		.store = s,
		.request = request,
		.folder = {.rootfd = -1},
		.tree = {.rootfd = -1},
		.e = e,
	};
	autoclose int lock = -1;
	int rc = store_lock_shared(s, &lock, e);

	for (size_t i = 0; !rc && i < ARRAY_SIZE(steps); i++)
		rc = steps[i](&b);
	if (!rc)
		tell(&b, ret);
	return rc;
}

int build_time(const char *source_date_epoch, int64_t *ret_s, struct err *e)
{
	uint64_t time_s = 0;

	if (source_date_epoch && unit_parse_u64(source_date_epoch, 0, MAX_TIME, &time_s)) {
		err_new(e, ERR_USAGE, "SOURCE_DATE_EPOCH=%.40s is no time", source_date_epoch);
		err_because(e, "it is seconds since 1970, a whole number up to the year 9999");
		return err_try(e, "export SOURCE_DATE_EPOCH=$(date +%%s)");
	}
	*ret_s = (int64_t)time_s;
	return 0;
}
