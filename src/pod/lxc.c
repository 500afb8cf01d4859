/* SPDX-License-Identifier: Apache-2.0 */
/* LXC's config: its lines, the table of its keys, and the simple ones. See lxc.h. */
#include "pod/lxc.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/unit.h"
#include "base/utf8.h"
#include "pod/lxc_parts.h"
#include "pod/manifest.h"
#include "pod/names.h"
#include "pod/signals.h"

enum { INCLUDE_DEPTH = 8, INCLUDE_FILES = 64, LOSSES_MAX = 1000, WORDS_MAX = 1000 };

void lxc_lose(struct lxc *x, const struct lxc_line *l, const char *why)
{
	if (x->losses->list.n >= LOSSES_MAX)
		return;
	*list_add(x->arena, &x->losses->list) = (struct lxc_lost){
		/* What several lines said together has no number. */
		.place = l->number ? arena_printf(x->arena, "%s:%u", l->file, l->number) : arena_strdup(x->arena, l->file),
		.what = arena_printf(x->arena, "%.120s = %.200s", l->key, l->value),
		.why = arena_strdup(x->arena, why),
	};
}

/* ---- words ---- */

/* One word from *at, which is moved behind it; false where a quote stays open. */
static bool next_word(const char **at, struct str *word)
{
	const char *p = *at;

	for (char quote = 0; *p && (quote || (*p != ' ' && *p != '\t')); p++) {
		if (quote ? *p == quote : *p == '"' || *p == '\'')
			quote = quote ? 0 : *p;
		else if (*p == '\\' && quote != '\'' && p[1])
			str_add_char(word, *++p);
		else
			str_add_char(word, *p);
		if (quote && !p[1])
			return false;
	}
	*at = p;
	return true;
}

char **lxc_words(struct arena *a, const char *text)
{
	char **words = NULL;
	size_t n = 0;

	for (;;) {
		autostr word = {};

		text += strspn(text, " \t");
		if (!*text)
			return words;
		if (!next_word(&text, &word) || ++n > WORDS_MAX)
			return NULL;
		arena_strv_add(a, &words, str_text(&word));
	}
}

/* ---- the simple keys ---- */

static bool is_printable(const char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < ' ' || *text == 0x7f)
			return false;
	return true;
}

static void take_hostname(struct lxc *x, const struct lxc_line *l)
{
	struct err ignored = {};

	if (name_check(NAME_HOST, l->value, &ignored) < 0)
		lxc_lose(x, l, "a host name is made of letters, digits, - and .");
	else
		x->hostname = arena_strdup(x->arena, l->value);
}

static void take_command(struct lxc *x, const struct lxc_line *l)
{
	char **words = lxc_words(x->arena, l->value);

	if (words && words[0][0])
		x->exec = words;
	else
		lxc_lose(x, l, "no program can be read from it");
}

static void take_workdir(struct lxc *x, const struct lxc_line *l)
{
	if (*l->value == '/' && is_printable(l->value))
		x->workdir = arena_strdup(x->arena, l->value);
	else
		lxc_lose(x, l, "a working directory is an absolute path");
}

static bool is_id(const char *text)
{
	uint64_t id;

	return unit_parse_u64(text, 0, INT32_MAX, &id) == 0;
}

static void take_uid(struct lxc *x, const struct lxc_line *l)
{
	if (is_id(l->value))
		x->uid = arena_strdup(x->arena, l->value);
	else
		lxc_lose(x, l, "it is no user id");
}

static void take_gid(struct lxc *x, const struct lxc_line *l)
{
	if (is_id(l->value))
		x->gid = arena_strdup(x->arena, l->value);
	else
		lxc_lose(x, l, "it is no group id");
}

static void take_groups(struct lxc *x, const struct lxc_line *l)
{
	char *copy = arena_strdup(x->arena, l->value), *save = NULL;

	for (char *id = strtok_r(copy, ", \t", &save); id; id = strtok_r(NULL, ", \t", &save)) {
		if (is_id(id))
			arena_strv_add(x->arena, &x->groups, id);
		else
			lxc_lose(x, l, "a group is a number");
	}
}

static void take_env(struct lxc *x, const struct lxc_line *l)
{
	const char *equals = strchr(l->value, '=');

	if (!equals || equals == l->value || !is_printable(l->value))
		lxc_lose(x, l, "a variable is written KEY=VALUE; nothing is taken over from who starts the pod");
	else
		arena_strv_add(x->arena, &x->env, l->value);
}

static void take_halt(struct lxc *x, const struct lxc_line *l)
{
	struct err ignored = {};
	uint32_t number;

	if (signal_parse(l->value, &number, &ignored) < 0)
		lxc_lose(x, l, "there is no such signal");
	else
		x->halt_signal = arena_strdup(x->arena, l->value);
}

static void take_no_new_privs(struct lxc *x, const struct lxc_line *l)
{
	x->no_new_privs = strcmp(l->value, "1") == 0;
}

static void take_proc(struct lxc *x, const struct lxc_line *l)
{
	bool minus = *l->value == '-';
	uint64_t score;

	if (strcmp(l->key, "lxc.proc.oom_score_adj") != 0 || unit_parse_u64(l->value + minus, 0, 1000, &score)) {
		lxc_lose(x, l, "of /proc/PID only oom_score_adj has a word in a manifest");
		return;
	}
	x->oom_score = minus ? -(int64_t)score : (int64_t)score;
	x->has_oom = true;
}

static void take_start_hook(struct lxc *x, const struct lxc_line *l)
{
	char **words = lxc_words(x->arena, l->value);

	if (x->start_hook || !words || !words[0][0])
		lxc_lose(x, l, "an app has one pre_start hook, a program with its arguments");
	else
		x->start_hook = words;
}

/* ---- keys whose only value that fits is what Rocket does anyway ---- */

static const struct {
	const char *key, *values; /* comma-separated */
	const char *why;
} fixed[] = {
	{"lxc.arch", "x86_64,amd64,aarch64,arm64,linux64", "a 32-bit personality is not built"},
	{"lxc.autodev", "1", "every app has a /dev of its own"},
	{"lxc.console.path", "none", "the console of a pod is its log (rocket logs)"},
	{"lxc.keyring.session", "1", "every process has a session keyring of its own"},
	{"lxc.pty.max", "1024", "the number of terminals is the kernel's"},
	{"lxc.tty.max", "0", "an app has one terminal at most (rocket run -t)"},
	{"lxc.start.auto", "0", "rocket convert --to systemd --install starts a pod at boot"},
	{"lxc.ephemeral", "0", "rocket run --rm removes the pod when it ends"},
	{"lxc.signal.stop", "SIGKILL,KILL,9", "what does not stop in time is killed"},
	{"lxc.apparmor.profile", "unconfined", "AppArmor profiles are not built; the pod's own walls hold"},
	{"lxc.core_sched", "0", "core scheduling is not built"},
	{"lxc.sched.core", "0", "core scheduling is not built"},
};

static bool has_word(const char *list, const char *word)
{
	size_t n = strlen(word);

	for (; *list; list += strcspn(list, ",") + (list[strcspn(list, ",")] == ','))
		if (n && strcspn(list, ",") == n && strncmp(list, word, n) == 0)
			return true;
	return false;
}

static void take_fixed(struct lxc *x, const struct lxc_line *l)
{
	for (size_t i = 0; i < ARRAY_SIZE(fixed); i++)
		if (strcmp(fixed[i].key, l->key) == 0 && !has_word(fixed[i].values, l->value))
			lxc_lose(x, l, fixed[i].why);
}

/* An empty network is what every pod starts with. */
static void take_net(struct lxc *x, const struct lxc_line *l)
{
	const char *last = strrchr(l->key, '.');

	if ((!strcmp(last, ".type") && !strcmp(l->value, "empty")) || !strcmp(last, ".flags"))
		return;
	lxc_lose(x, l, "a pod is closed: what it may reach is written as holes (in: and out:)");
}

static void take_namespaces(struct lxc *x, const struct lxc_line *l)
{
	lxc_lose(x, l, "a pod has all its namespaces of its own; the host's are holes (ns:)");
}

/* ---- the table ---- */

/* LXC's own business, no part of the container. */
static void take_nothing(struct lxc *x, const struct lxc_line *l)
{
}

struct lxc_key {
	const char *key; /* with a dot at the end: all below it */
	lxc_take_fn *take;
	const char *lost; /* instead of take */
};

#define NO_HOOK "hooks that run on the host are no part of a pod"

/* The first that fits holds. */
static const struct lxc_key keys[] = {
	{"lxc.uts.name", take_hostname, NULL},
	{"lxc.utsname", take_hostname, NULL},
	{"lxc.init.cmd", take_command, NULL},
	{"lxc.init_cmd", take_command, NULL},
	{"lxc.execute.cmd", take_command, NULL},
	{"lxc.init.cwd", take_workdir, NULL},
	{"lxc.init.uid", take_uid, NULL},
	{"lxc.init.gid", take_gid, NULL},
	{"lxc.init.groups", take_groups, NULL},
	{"lxc.environment", take_env, NULL},
	{"lxc.environment.", take_env, NULL},
	{"lxc.signal.halt", take_halt, NULL},
	{"lxc.haltsignal", take_halt, NULL},
	{"lxc.no_new_privs", take_no_new_privs, NULL},
	{"lxc.proc.", take_proc, NULL},
	{"lxc.hook.start", take_start_hook, NULL},
	{"lxc.hook.version", take_nothing, NULL},
	{"lxc.hook.", NULL, NO_HOOK},
	{"lxc.rootfs.path", lxc_take_rootfs, NULL},
	{"lxc.rootfs", lxc_take_rootfs, NULL},
	{"lxc.rootfs.options", lxc_take_rootfs_options, NULL},
	{"lxc.rootfs.mount", take_nothing, NULL},
	{"lxc.rootfs.managed", take_nothing, NULL},
	{"lxc.mount.entry", lxc_take_mount, NULL},
	{"lxc.mount.auto", lxc_take_mount_auto, NULL},
	{"lxc.cap.drop", lxc_take_cap_drop, NULL},
	{"lxc.cap.keep", lxc_take_cap_keep, NULL},
	{"lxc.idmap", lxc_take_idmap, NULL},
	{"lxc.id_map", lxc_take_idmap, NULL},
	{"lxc.cgroup.dir.", NULL, "where a pod's control groups lie is Rocket's choice"},
	{"lxc.cgroup.dir", NULL, "where a pod's control groups lie is Rocket's choice"},
	{"lxc.cgroup.relative", NULL, "where a pod's control groups lie is Rocket's choice"},
	{"lxc.cgroup.", lxc_take_cgroup, NULL},
	{"lxc.cgroup2.", lxc_take_cgroup, NULL},
	{"lxc.prlimit.", lxc_take_prlimit, NULL},
	{"lxc.sysctl.", lxc_take_sysctl, NULL},
	{"lxc.net.", take_net, NULL},
	{"lxc.network.", take_net, NULL},
	{"lxc.namespace.", take_namespaces, NULL},
	{"lxc.seccomp.", NULL, "LXC's profiles have a format of their own; the default filter holds (or seccomp: FILE, in OCI's)"},
	{"lxc.apparmor.profile", take_fixed, NULL},
	{"lxc.apparmor.", NULL, "AppArmor profiles are not built; the pod's own walls hold"},
	{"lxc.selinux.", NULL, "SELinux labels are not built; the pod's own walls hold"},
	{"lxc.time.", NULL, "a time namespace is not built"},
	{"lxc.signal.reboot", NULL, "a pod that reboots ends; restart: always starts it again"},
	{"lxc.start.delay", NULL, "systemd orders what starts at boot (rocket convert --to systemd)"},
	{"lxc.start.order", NULL, "systemd orders what starts at boot (rocket convert --to systemd)"},
	{"lxc.group", NULL, "pods have labels instead of groups"},
	{"lxc.log.", take_nothing, NULL},
	{"lxc.monitor.", take_nothing, NULL},
	{"lxc.tty.dir", take_nothing, NULL},
	{"lxc.console.path", take_fixed, NULL},
	{"lxc.console.", take_nothing, NULL},
	{"lxc.", take_fixed, NULL},
};

static bool fits(const char *pattern, const char *key)
{
	size_t n = strlen(pattern);

	return pattern[n - 1] == '.' ? strncmp(pattern, key, n) == 0 && key[n] : strcmp(pattern, key) == 0;
}

static bool is_fixed(const char *key)
{
	for (size_t i = 0; i < ARRAY_SIZE(fixed); i++)
		if (strcmp(fixed[i].key, key) == 0)
			return true;
	return false;
}

/* A manifest is text: a path of other bytes would come out as another one. */
static bool is_text(const char *s)
{
	for (size_t left = strlen(s); left;) {
		uint32_t cp;
		size_t n = utf8_step(s, left, &cp);

		if (n == 0 || (utf8_is_control(cp) && cp != '\t'))
			return false;
		s += n;
		left -= n;
	}
	return true;
}

static void take_line(struct lxc *x, const struct lxc_line *l)
{
	const struct lxc_key *k = keys;

	while (k < keys + ARRAY_SIZE(keys) && !fits(k->key, l->key))
		k++;
	if (!is_text(l->key) || !is_text(l->value))
		lxc_lose(x, l, "it holds bytes that are no printable text");
	else if (k == keys + ARRAY_SIZE(keys) || (k->take == take_fixed && !is_fixed(l->key)))
		lxc_lose(x, l, "this version of Rocket does not know the key");
	else if (k->lost)
		lxc_lose(x, l, k->lost);
	else
		k->take(x, l);
}

/* ---- files and lines ---- */

static int take_text(struct lxc *x, const char *file, const char *text, size_t n, bool is_fstab, struct err *e);

static int take_file(struct lxc *x, const struct lxc_line *l, bool is_fstab, struct err *e)
{
	const char *text;
	size_t n;

	if (x->depth >= INCLUDE_DEPTH || x->files >= INCLUDE_FILES) {
		err_new(e, ERR_USAGE, "%s:%u: files are included too deep, or too many", l->file, l->number);
		return err_because(e, "at most %d deep, and %d in all", INCLUDE_DEPTH, INCLUDE_FILES);
	}
	x->files++;
	if (x->in->read_file(x->in->context, l->value, &text, &n, e) < 0)
		return -e->code;
	x->depth++;
	int r = take_text(x, arena_strdup(x->arena, l->value), text, n, is_fstab, e);
	x->depth--;
	return r;
}

static char *trimmed(struct arena *a, const char *from, size_t n)
{
	while (n && (*from == ' ' || *from == '\t'))
		from++, n--;
	while (n && (from[n - 1] == ' ' || from[n - 1] == '\t' || from[n - 1] == '\r'))
		n--;
	return arena_strndup(a, from, n);
}

/* LXC takes one pair of quotes off a value. */
static char *unquoted(char *value)
{
	size_t n = strlen(value);

	if (n < 2 || (*value != '"' && *value != '\'') || value[n - 1] != *value)
		return value;
	value[n - 1] = 0;
	return value + 1;
}

static int take_assignment(struct lxc *x, const char *file, unsigned number, char *line, struct err *e)
{
	char *equals = strchr(line, '=');
	struct lxc_line l = {.file = file, .number = number};

	if (!equals) {
		err_new(e, ERR_USAGE, "%s:%u: expected KEY = VALUE", file, number);
		err_because(e, "the line is '%.80s'", line);
		return err_try(e, "man lxc.container.conf");
	}
	l.key = trimmed(x->arena, line, (size_t)(equals - line));
	l.value = unquoted(trimmed(x->arena, equals + 1, strlen(equals + 1)));
	if (strcmp(l.key, "lxc.include") == 0)
		return take_file(x, &l, false, e);
	if (strcmp(l.key, "lxc.mount.fstab") == 0 || strcmp(l.key, "lxc.mount") == 0)
		return *l.value ? take_file(x, &l, true, e) : 0;
	take_line(x, &l);
	return 0;
}

static int take_text(struct lxc *x, const char *file, const char *text, size_t n, bool is_fstab, struct err *e)
{
	const char *end = text + n;
	unsigned number = 0;
	int r = 0;

	if (memchr(text, 0, n)) {
		err_new(e, ERR_USAGE, "%s is no config of LXC", file);
		return err_because(e, "it holds a zero byte");
	}
	while (text < end && r == 0) {
		const char *nl = memchr(text, '\n', (size_t)(end - text)) ?: end;
		char *line = trimmed(x->arena, text, (size_t)(nl - text));

		number++;
		text = nl + (nl < end);
		if (!*line || *line == '#')
			continue;
		if (is_fstab)
			take_line(x, &(struct lxc_line){file, number, "lxc.mount.entry", line});
		else
			r = take_assignment(x, file, number, line, e);
	}
	return r;
}

/* ---- the whole ---- */

static int no_rootfs(const struct lxc *x, struct err *e)
{
	err_new(e, ERR_USAGE, "%s has no root file system of its own", x->in->file);
	err_because(e, "there is no lxc.rootfs.path that is a folder; without one a container sees the host's files");
	return err_try(e, "lxc.rootfs.path = dir:/var/lib/lxc/NAME/rootfs");
}

/* What is written must be what Rocket reads: anything else is our mistake, and must not reach the user as his manifest. */
static int check(const struct lxc *x, const struct str *out, size_t from, struct err *e)
{
	const struct native_input in = {.arena = x->arena, .file = "pod.yaml", .base_dir = "/"};
	struct pod pod = {};

	if (manifest_parse(&in, out->text + from, out->len - from, &pod, e) == 0)
		return 0;
	return err_recode(e, ERR_FAILED);
}

int lxc_convert(const struct lxc_input *in, const char *text, size_t n, struct str *manifest,
		struct lxc_losses *losses, struct err *e)
{
	struct lxc x = {.in = in, .arena = in->arena, .losses = losses};
	size_t from = manifest->len;
	int r = take_text(&x, in->file, text, n, false, e);

	if (r < 0)
		return r;
	if (!x.rootfs)
		return no_rootfs(&x, e);
	lxc_settle_limits(&x);
	lxc_settle_caps(&x);
	lxc_write(&x, manifest);
	return check(&x, manifest, from, e);
}
