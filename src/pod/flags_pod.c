/* SPDX-License-Identifier: Apache-2.0 */
/* Flags of the whole pod: the table, and one function each. With -f they replace what the manifest
 * says. */
#include <assert.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "base/unit.h"
#include "pod/flags_parts.h"
#include "pod/front.h"
#include "pod/names.h"

enum pod_flag {
	POD_DETACH,
	POD_REMOVE,
	POD_NAME,
	POD_FILE,
	POD_HOLE,
	POD_LINK,
	POD_DISTANCE,
	POD_EXIT,
	POD_HOSTNAME,
	POD_DNS,
	POD_PULL,
	POD_LABEL,
	POD_NETWORK,
	POD_PRIVILEGED,
	POD_IDS,
	POD_IGNORE_UNKNOWN,
	POD_WAIT,
	POD_LEARN,
	POD_TIMING,
	POD_LATER,
	POD_FLAGS,
};

const struct opt flags_pod_options[] = {
	{"detach", 'd', .id = POD_DETACH, .help = "leave the pod running and print its id"},
	{"rm", .id = POD_REMOVE, .help = "remove the pod when it is over"},
	{"name", .arg = "NAME", .id = POD_NAME, .help = "the pod's name"},
	{"file", 'f', .arg = "FILE", .id = POD_FILE, .help = "read the pod from a manifest",
	 .complete = "file"},
	{"hole", .arg = "HOLE", .id = POD_HOLE,
	 .help = "open a hole, such as in:8080:80 (behind an image: for that app)"},
	{"distance", .arg = "WORD", .id = POD_DISTANCE, .help = "how close the apps stand",
	 .complete = "joined|close|apart"},
	{"exit", .arg = "RULE", .id = POD_EXIT,
	 .help = "when the pod is over: all, first, or an app's name"},
	{"hostname", .arg = "NAME", .id = POD_HOSTNAME, .help = "the host name that the apps see"},
	{"dns", .arg = "IP", .id = POD_DNS, .help = "a name server for the pod"},
	{"pull", .arg = "WHEN", .id = POD_PULL, .help = "when to fetch images",
	 .complete = "missing|always|never"},
	{"label", .arg = "KEY=VALUE", .id = POD_LABEL, .help = "a label of the pod"},
	{"network", .arg = "NET", .id = POD_NETWORK,
	 .help = "docker's word: none, or host for the hole ns:net", .complete = "none|host"},
	{"privileged", .id = POD_PRIVILEGED,
	 .help = "docker's word for the holes ns:user, cap:ALL and newprivs"},
	{"ids", .arg = "N", .id = POD_IDS,
	 .help = "how many user ids the pod has (a multiple of 65536)"},
	{"ignore-unknown", .id = POD_IGNORE_UNKNOWN,
	 .help = "with -f: warn of unknown keys instead of refusing them"},
	{"timing", .id = POD_TIMING, .help = "say on stderr what each step of the run took"},
	{"link", .arg = "LINK", .id = POD_LINK,
	 .help = "a link between two apps, such as web:php:unix:/run/php/php.sock"},
	{"learn", .id = POD_LEARN,
	 .help = "let everything but host, LAN and metadata pass, and suggest the holes for it"},
	{"grant", .arg = "NAMES", .id = POD_LATER,
	 .help = "grant what images ask for (not built yet)"},
	{"wait", .id = POD_WAIT, .help = "with -d: wait until every app is ready"},
	{},
};

static int apply_detach(struct flags *f, const struct flag *flag, struct err *e)
{
	f->run.detach = true;
	return 0;
}

static int apply_remove(struct flags *f, const struct flag *flag, struct err *e)
{
	f->pod.remove = true;
	return 0;
}

static int apply_learn(struct flags *f, const struct flag *flag, struct err *e)
{
	f->pod.learn = true;
	return flag_add_hole(f, "out:internet", NULL, flag_text(f, flag), e);
}

static int apply_name(struct flags *f, const struct flag *flag, struct err *e)
{
	f->pod.name = arena_strdup(f->arena, flag->value);
	return name_check(NAME_POD, flag->value, e);
}

/* The manifest was read before the others. */
static int apply_file(struct flags *f, const struct flag *flag, struct err *e)
{
	return 0;
}

static int apply_hole(struct flags *f, const struct flag *flag, struct err *e)
{
	return flag_add_hole(f, flag->value, NULL, NULL, e);
}

static int apply_link(struct flags *f, const struct flag *flag, struct err *e)
{
	return link_parse(f->arena, flag->value, list_add(f->arena, &f->pod.links), e);
}

/* The index of a word in a list that ends with NULL. */
static int word_index(const struct flags *f, const struct flag *flag, const char *const *words,
		      int *ret, struct err *e)
{
	const char *near = str_nearest(flag->value, words);
	autostr list = {};

	for (int i = 0; words[i]; i++) {
		if (!strcmp(words[i], flag->value)) {
			*ret = i;
			return 0;
		}
		str_addf(&list, "%s%s", i ? ", " : "it is one of: ", words[i]);
	}
	flag_bad(f, flag, e, str_text(&list));
	return near ? err_try(e, "--%s %s", flag->opt->name, near) : -ERR_USAGE;
}

static int apply_distance(struct flags *f, const struct flag *flag, struct err *e)
{
	int word, rc = word_index(f, flag, distance_names, &word, e);

	if (rc)
		return rc;
	f->pod.distance = word + 1;
	return 0;
}

static int apply_exit(struct flags *f, const struct flag *flag, struct err *e)
{
	f->pod.exit = arena_strdup(f->arena, flag->value);
	return 0;
}

static int apply_hostname(struct flags *f, const struct flag *flag, struct err *e)
{
	f->pod.hostname = arena_strdup(f->arena, flag->value);
	return name_check(NAME_HOST, flag->value, e);
}

static int apply_dns(struct flags *f, const struct flag *flag, struct err *e)
{
	if (!front_is_ip(flag->value))
		return flag_bad(f, flag, e, "a name server is an IP address");
	if (!f->dns_given)
		f->pod.dns.servers = NULL;
	f->dns_given = true;
	arena_strv_add(f->arena, &f->pod.dns.servers, flag->value);
	return 0;
}

static int apply_pull(struct flags *f, const struct flag *flag, struct err *e)
{
	static const char *const words[] = {"missing", "always", "never", NULL};
	int word, rc = word_index(f, flag, words, &word, e);

	if (!rc)
		f->run.pull = (enum flags_pull)word;
	return rc;
}

static int apply_label(struct flags *f, const struct flag *flag, struct err *e)
{
	if (*flag->value == '=' || !strchr(flag->value, '='))
		return flag_bad(f, flag, e, "a label is written KEY=VALUE");
	flag_set_pair(f->arena, &f->pod.labels, flag->value);
	return 0;
}

static int apply_ids(struct flags *f, const struct flag *flag, struct err *e)
{
	uint64_t ids;

	if (unit_parse_u64(flag->value, 65536, UINT64_C(1) << 30, &ids) || ids % 65536)
		return flag_bad(f, flag, e,
				"the size of an id range is a multiple of 65536, such as 131072");
	f->pod.ids = (uint32_t)ids;
	return 0;
}

static int apply_ignore_unknown(struct flags *f, const struct flag *flag, struct err *e)
{
	if (!f->run.file)
		return flag_bad(f, flag, e, "it goes with -f FILE");
	f->ignore_unknown = true;
	return 0;
}

static int apply_wait(struct flags *f, const struct flag *flag, struct err *e)
{
	f->run.wait = true;
	return 0;
}

static int apply_timing(struct flags *f, const struct flag *flag, struct err *e)
{
	f->run.timing = true;
	return 0;
}

static int apply_later(struct flags *f, const struct flag *flag, struct err *e)
{
	return flag_later(flag, e);
}

static int (*const applies[])(struct flags *f, const struct flag *flag, struct err *e) = {
	[POD_DETACH] = apply_detach,
	[POD_REMOVE] = apply_remove,
	[POD_NAME] = apply_name,
	[POD_FILE] = apply_file,
	[POD_HOLE] = apply_hole,
	[POD_LINK] = apply_link,
	[POD_DISTANCE] = apply_distance,
	[POD_EXIT] = apply_exit,
	[POD_HOSTNAME] = apply_hostname,
	[POD_DNS] = apply_dns,
	[POD_PULL] = apply_pull,
	[POD_LABEL] = apply_label,
	[POD_NETWORK] = flags_network,
	[POD_PRIVILEGED] = flags_privileged,
	[POD_IDS] = apply_ids,
	[POD_IGNORE_UNKNOWN] = apply_ignore_unknown,
	[POD_WAIT] = apply_wait,
	[POD_LEARN] = apply_learn,
	[POD_TIMING] = apply_timing,
	[POD_LATER] = apply_later,
};
static_assert(ARRAY_SIZE(applies) == POD_FLAGS, "one function a flag");

int flags_apply_pod(struct flags *f, const struct flag *flag, struct err *e)
{
	return applies[flag->opt->id](f, flag, e);
}
