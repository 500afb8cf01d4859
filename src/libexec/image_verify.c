/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rocket-image verify: is what the store holds still what it was? Every blob of the images asked for is
 * hashed, each once, on all cores; every view is built anew from the tars and compared byte by byte. What is
 * wrong is reported with all images that it hits.
 *
 * --repair builds views anew from good tars, and takes damaged blobs away, because an import or fetch skips
 * what is there: afterwards it brings them again.
 */
#include "libexec/image_tool.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "base/opt.h"
#include "base/str.h"
#include "image/digest.h"
#include "store/blob.h"
#include "store/rebuild.h"

enum { VERIFY_CHUNK = 1 << 20, VERIFY_ALIGN = 4096, VERIFY_THREADS_MAX = 8 };

enum thing_kind { THING_BLOB, THING_VIEW };
enum thing_state { THING_GOOD, THING_MISSING, THING_DAMAGED, THING_UNREADABLE, THING_REPAIRED, THING_REMOVED };
static const char *const state_names[] = {"good", "missing", "damaged", "unreadable", "repaired", "removed"};

/* One blob or view, and what became of it. */
struct thing {
	enum thing_kind kind;
	const char *name; /* digest or view id */
	enum thing_state state;
	uint64_t bytes;
};

static bool is_good(const struct thing *t)
{
	return t->state == THING_GOOD || t->state == THING_REPAIRED;
}

static const struct opt verify_opts[] = {
	{"repair", .id = 'r', .help = "build views anew; take damaged blobs away, so that they can come again"},
	{},
};

struct verify {
	struct image_tool *tool;
	bool repair;
	struct store_image *images;
	size_t n_images;
	LIST(struct thing) things;
	atomic_size_t next;
};

static void add_thing(struct verify *v, enum thing_kind kind, const char *name)
{
	if (!name)
		return;
	for (size_t i = 0; i < v->things.n; i++)
		if (v->things.v[i].kind == kind && !strcmp(v->things.v[i].name, name))
			return;
	*list_add(&v->tool->arena, &v->things) = (struct thing){.kind = kind, .name = name};
}

/* Does the image need it? A compressed layer, named in the manifest, is here only where originals are kept. */
static bool image_needs(const struct image *img, const struct thing *t)
{
	if (t->kind == THING_VIEW)
		return str_equal(img->view, t->name);
	if (str_equal(img->id, t->name) || str_equal(img->manifest_digest, t->name))
		return true;
	for (size_t i = 0; i < img->layers.n; i++)
		if (str_equal(img->layers.v[i].diff_id, t->name) || str_equal(img->layers.v[i].digest, t->name))
			return true;
	return false;
}

static void add_image(struct verify *v, const struct image *img)
{
	add_thing(v, THING_BLOB, img->id);
	if (!str_equal(img->id, img->manifest_digest))
		add_thing(v, THING_BLOB, img->manifest_digest);
	for (size_t i = 0; i < img->layers.n; i++) {
		add_thing(v, THING_BLOB, img->layers.v[i].diff_id);
		if (blob_exists(&v->tool->store, img->layers.v[i].digest, NULL))
			add_thing(v, THING_BLOB, img->layers.v[i].digest);
	}
	add_thing(v, THING_VIEW, img->view);
}

/*
 * Past the page cache where the file system lets us: what is asked for is what the disk holds, and what others
 * have cached stays cached. A direct read stops short at the end of the file alone.
 */
static ssize_t read_chunk(int fd, uint8_t *chunk, uint64_t at)
{
	ssize_t n = pread(fd, chunk, VERIFY_CHUNK, (off_t)at);

	if (n >= 0 || errno != EINVAL)
		return n;
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_DIRECT);
	return pread(fd, chunk, VERIFY_CHUNK, (off_t)at);
}

static enum thing_state hash_fd(int fd, enum blob_place place, const char *hex, uint64_t *ret_bytes)
{
	autodigest *d = digest_new(place == BLOB_SHA512 ? DIGEST_SHA512 : DIGEST_SHA256);
	autofree uint8_t *chunk = aligned_alloc(VERIFY_ALIGN, VERIFY_CHUNK);
	char got[DIGEST_HEX_MAX];
	ssize_t n;

	if (!chunk)
		abort();
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_DIRECT);
	do {
		n = read_chunk(fd, chunk, *ret_bytes);
		if (n < 0 && errno != EINTR)
			return THING_UNREADABLE;
		digest_add(d, chunk, n > 0 ? (size_t)n : 0);
		*ret_bytes += n > 0 ? (uint64_t)n : 0;
	} while (n < 0 || n == VERIFY_CHUNK);
	digest_hex(d, got);
	return strcmp(got, hex) ? THING_DAMAGED : THING_GOOD;
}

static enum thing_state check_blob(struct verify *v, struct thing *t)
{
	autoclose int fd = -1;
	struct err e = {};
	enum blob_place place;
	const char *hex;

	if (!blob_parse_digest(t->name, &place, &hex))
		return THING_DAMAGED;
	int r = blob_open(&v->tool->store, t->name, &fd, &e);

	if (r < 0)
		return r == -ERR_NOT_FOUND ? THING_MISSING : THING_UNREADABLE;
	return hash_fd(fd, place, hex, &t->bytes);
}

/* The view's index as its tars give it; malloc'ed. */
static int build_index(struct verify *v, const char *view, uint8_t **ret, size_t *ret_n, struct err *e)
{
	autorebuilt rebuilt = {};
	int r = rebuild_open(&v->tool->store, view, &rebuilt, e);

	return r < 0 ? r : erofs_write(rebuilt.tree, rebuilt.devices, rebuilt.n_devices, ret, ret_n, e);
}

/* The index as it is against the index as the tars give it. */
static enum thing_state check_view(struct verify *v, struct thing *t)
{
	autofree char *have = NULL;
	autofree uint8_t *want = NULL;
	autoclose int fd = -1;
	struct err e = {};
	size_t n_want = 0, n_have = 0;
	int r = blob_open_view(&v->tool->store, t->name, &fd, &e);

	if (r < 0)
		return r == -ERR_NOT_FOUND ? THING_MISSING : THING_UNREADABLE;
	if (build_index(v, t->name, &want, &n_want, &e) < 0)
		return THING_DAMAGED;
	if (io_read_fd(fd, n_want + 1, &have, &n_have, &e) < 0)
		return e.errnum ? THING_UNREADABLE : THING_DAMAGED;
	t->bytes = n_have;
	return n_have == n_want && !memcmp(have, want, n_want) ? THING_GOOD : THING_DAMAGED;
}

static void *work(void *arg)
{
	struct verify *v = arg;
	size_t i;

	while ((i = atomic_fetch_add(&v->next, 1)) < v->things.n) {
		struct thing *t = &v->things.v[i];

		t->state = t->kind == THING_VIEW ? check_view(v, t) : check_blob(v, t);
	}
	return NULL;
}

static size_t cores(void)
{
	cpu_set_t set;
	int n = sched_getaffinity(0, sizeof(set), &set) == 0 ? CPU_COUNT(&set) : 1;

	return n > VERIFY_THREADS_MAX ? VERIFY_THREADS_MAX : (size_t)n;
}

static void check_all(struct verify *v)
{
	pthread_t threads[VERIFY_THREADS_MAX];
	size_t n = 0, wanted = cores();

	while (n + 1 < wanted && pthread_create(&threads[n], NULL, work, v) == 0)
		n++;
	work(v);
	while (n)
		pthread_join(threads[--n], NULL);
}

/* Pods that have the old view mounted keep it; the next start mounts the new one. */
static int repair_view(struct verify *v, struct thing *t, struct err *e)
{
	autofree uint8_t *index = NULL;
	autoblob w = BLOB_WRITER_NONE;
	size_t n = 0;

	if (build_index(v, t->name, &index, &n, e) < 0 || blob_writer_open(&v->tool->store, BLOB_VIEW, &w, e) < 0)
		return -e->code;
	if (io_write_all(w.fd, index, n) < 0)
		return image_err(e, "can't write the view %.20s", t->name);
	if (blob_remove_view(&v->tool->store, t->name, e) < 0 || blob_writer_commit(&w, t->name, e) < 0 ||
	    blob_sync(&v->tool->store, e) < 0)
		return -e->code;
	t->state = THING_REPAIRED;
	return 0;
}

/* Blobs first: a view is built from good tars alone. */
static int repair_all(struct verify *v, struct err *e)
{
	bool blobs_good = true;
	int r = 0;

	for (size_t i = 0; r == 0 && i < v->things.n; i++) {
		struct thing *t = &v->things.v[i];

		if (t->kind != THING_BLOB || t->state == THING_GOOD)
			continue;
		blobs_good = false;
		if (t->state != THING_DAMAGED)
			continue;
		r = blob_remove(&v->tool->store, t->name, e);
		t->state = THING_REMOVED;
	}
	for (size_t i = 0; r == 0 && i < v->things.n; i++) {
		struct err hopeless = {};
		struct thing *t = &v->things.v[i];

		if (t->kind != THING_VIEW || t->state == THING_GOOD)
			continue;
		/* Some tar may be missing; which views that hits shows in the attempt. */
		r = repair_view(v, t, blobs_good ? e : &hopeless);
		r = blobs_good ? r : 0;
	}
	return r;
}

static const char *image_name(const struct store_image *i)
{
	return i->name ? i->name : i->image.manifest_digest;
}

static void report_thing(const struct verify *v, const struct thing *t)
{
	autostr names = {};

	for (size_t i = 0; i < v->n_images; i++)
		if (image_needs(&v->images[i].image, t))
			str_addf(&names, "%s%s", names.len ? ", " : "", image_name(&v->images[i]));
	image_say(v->tool, "%s: %s%s; images: %s", state_names[t->state], t->kind == THING_VIEW ? "view " : "", t->name,
		  str_text(&names));
}

static bool image_good(const struct verify *v, const struct image *img)
{
	for (size_t i = 0; i < v->things.n; i++)
		if (!is_good(&v->things.v[i]) && image_needs(img, &v->things.v[i]))
			return false;
	return true;
}

static void add_json_thing(struct str *out, const struct thing *t, bool first)
{
	str_addf(out, "%s{\"kind\":\"%s\",\"name\":", first ? "" : ",", t->kind == THING_VIEW ? "view" : "blob");
	str_add_json(out, t->name);
	str_addf(out, ",\"state\":\"%s\"}", state_names[t->state]);
}

static void add_json_image(const struct verify *v, struct str *out, const struct store_image *i)
{
	bool first = true;

	str_add(out, "{\"name\":");
	str_add_json(out, i->name ? i->name : "");
	str_addf(out, ",\"id\":\"%s\",\"good\":%s,\"faults\":[", i->image.id,
		 image_good(v, &i->image) ? "true" : "false");
	for (size_t k = 0; k < v->things.n; k++) {
		if (v->things.v[k].state == THING_GOOD || !image_needs(&i->image, &v->things.v[k]))
			continue;
		add_json_thing(out, &v->things.v[k], first);
		first = false;
	}
	str_add(out, "]}");
}

static int report(const struct verify *v, struct err *e)
{
	size_t bad_things = 0, bad_images = 0;
	autostr out = {};

	str_add_char(&out, '[');
	for (size_t i = 0; i < v->things.n; i++) {
		bad_things += !is_good(&v->things.v[i]);
		if (v->things.v[i].state != THING_GOOD && !v->tool->json)
			report_thing(v, &v->things.v[i]);
	}
	for (size_t i = 0; i < v->n_images; i++) {
		bool good = image_good(v, &v->images[i].image);

		bad_images += !good;
		str_add(&out, i ? "," : "");
		add_json_image(v, &out, &v->images[i]);
		if (good && !v->tool->json)
			image_say(v->tool, "good: %s", image_name(&v->images[i]));
	}
	str_add(&out, "]\n");
	if (v->tool->json && image_print(out.text, out.len, e) < 0)
		return -e->code;
	if (!bad_things)
		return 0;
	err_new(e, ERR_WANTING, "%zu of %zu images are damaged", bad_images, v->n_images);
	err_because(e, "%zu of %zu files in the store are not what they were", bad_things, v->things.n);
	return err_try(e, v->repair ? "import or fetch these images again" : "rocket image verify --repair");
}

static int choose_images(struct verify *v, char **names, int n, struct err *e)
{
	struct image_tool *t = v->tool;
	int r = 0;

	if (!n)
		return store_list_images(&t->store, &t->arena, &v->images, &v->n_images, e);
	v->images = arena_alloc(&t->arena, (size_t)n * sizeof(*v->images));
	for (int i = 0; r == 0 && i < n; i++) {
		r = store_find_image(&t->store, &t->arena, names[i], &v->images[i], e);
		v->n_images += r == 0;
	}
	return r;
}

int image_verify(struct image_tool *t, int argc, char **argv, struct err *e)
{
	const struct opt *const tables[] = {verify_opts, NULL};
	struct opt_walk w = {.argc = argc, .argv = argv, .tables = tables};
	struct verify v = {.tool = t};
	const struct opt *o;
	const char *value;
	int r;

	while ((r = opt_next(&w, &o, &value, e)) > 0)
		v.repair = true;
	if (r == 0)
		r = choose_images(&v, argv + w.at, argc - w.at, e);
	if (r < 0)
		return r;
	for (size_t i = 0; i < v.n_images; i++)
		add_image(&v, &v.images[i].image);
	check_all(&v);
	if (v.repair && repair_all(&v, e) < 0)
		return -e->code;
	return report(&v, e);
}
