/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rules of names.h as one table, the names that Rocket makes up, and nothing else. Pure.
 */
#include "pod/names.h"

#include <assert.h>
#include <ctype.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/str.h"

struct name_rule {
	const char *whose;
	const char *chars; /* beside a-z and 0-9 */
	bool upper;        /* A-Z too */
	size_t max;
	const char *words; /* the rule for people */
};

static const struct name_rule rules[] = {
	[NAME_POD] = {"a pod's", "-_.", false, 63, "lower-case letters, digits, '-', '_' and '.'"},
	[NAME_APP] = {"an app's", "-", false, 63, "lower-case letters, digits and '-'"},
	[NAME_VOLUME] = {"a volume's", "-_.", true, 128, "letters, digits, '-', '_' and '.'"},
	[NAME_HOST] = {"a host's", "-.", true, 63, "letters, digits, '-' and '.'"},
};

/* Words of the hole grammar, of `exit:` and of the map that an app would hide. */
static const char *const app_words[] = {"all", "first", "host", "pod", "internet", "lan", NULL};

static bool is_lower_or_digit(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

static bool rule_allows_edge(const struct name_rule *r, char c)
{
	return is_lower_or_digit(c) || (r->upper && c >= 'A' && c <= 'Z');
}

static bool rule_allows(const struct name_rule *r, char c)
{
	return rule_allows_edge(r, c) || (c && strchr(r->chars, c));
}

static bool list_has(const char *const *list, const char *word)
{
	for (; *list; list++)
		if (!strcmp(*list, word))
			return true;
	return false;
}

static bool looks_like_id(const char *name)
{
	return strlen(name) == 32 && strspn(name, "0123456789abcdef") == 32;
}

static int check_form(const struct name_rule *r, const char *name, struct err *e)
{
	size_t n = strlen(name);

	if (n == 0 || n > r->max) {
		err_new(e, ERR_USAGE, "'%.80s' can't be %s name", name, r->whose);
		return err_because(e, "it has %zu characters; 1 to %zu are allowed", n, r->max);
	}
	for (size_t i = 0; i < n; i++) {
		bool edge = i == 0 || i == n - 1;

		if (edge ? rule_allows_edge(r, name[i]) : rule_allows(r, name[i]))
			continue;
		err_new(e, ERR_USAGE, "'%s' can't be %s name", name, r->whose);
		return err_because(
			e, "%s name is made of %s, and starts and ends with a letter or digit",
			r->whose, r->words);
	}
	return 0;
}

int name_check(enum name_kind kind, const char *name, struct err *e)
{
	int rc = check_form(&rules[kind], name, e);

	if (rc)
		return rc;
	if (kind == NAME_APP && list_has(app_words, name)) {
		err_new(e, ERR_USAGE, "an app can't be named '%s'", name);
		return err_because(e, "the word has a meaning of its own; so do all, first, host, "
				      "pod, internet, lan");
	}
	if (kind == NAME_POD && looks_like_id(name)) {
		err_new(e, ERR_USAGE, "a pod can't be named '%s'", name);
		return err_because(e, "32 hex digits are a pod's id");
	}
	if (kind == NAME_HOST && strstr(name, "..")) {
		err_new(e, ERR_USAGE, "'%s' can't be a host's name", name);
		return err_because(e, "it has an empty part between two dots");
	}
	return 0;
}

/* Endings of image files, longest first. */
static const char *const image_endings[] = {".tar.gz", ".tar.xz", ".tar.zst", ".tgz", ".tar",
					    ".aci",    ".docker", ".oci",     NULL};

/* The part of an image's name that says what it is: behind the last '/', before tag, digest and
 * tune. */
static size_t image_stem(const char *image, const char **ret)
{
	const char *slash = strrchr(image, '/');
	const char *base = slash ? slash + 1 : image;
	size_t n = strcspn(base, ":@+");

	for (const char *const *end = image_endings; *end; end++) {
		size_t len = strlen(*end);

		if (n > len && !strncmp(base + n - len, *end, len)) {
			n -= len;
			break;
		}
	}
	*ret = base;
	return n;
}

char *name_of_image(struct arena *a, const char *image)
{
	const char *stem;
	size_t n = image_stem(image, &stem), out = 0;
	char name[64] = "";
	struct err e = {};

	for (size_t i = 0; i < n && out < 40; i++) {
		char c = (char)tolower((unsigned char)stem[i]);

		if (is_lower_or_digit(c))
			name[out++] = c;
		else if (out && name[out - 1] != '-')
			name[out++] = '-';
	}
	while (out && name[out - 1] == '-')
		out--;
	name[out] = 0;
	if (name_check(NAME_APP, name, &e) || !strncmp(image, "sha256:", 7))
		return arena_strdup(a, "app");
	return arena_strdup(a, name);
}

char *name_to_host(struct arena *a, const char *pod)
{
	char *host = arena_strdup(a, pod);

	for (char *p = host; *p; p++)
		if (!rule_allows(&rules[NAME_HOST], *p) || (*p == '.' && p[1] == '.'))
			*p = '-';
	return host;
}

static const char *const adjectives[] = {
	"able",   "amber",  "ample",  "brave", "brisk",  "broad", "calm",   "civil",
	"clear",  "crisp",  "deft",   "eager", "early",  "easy",  "even",   "fair",
	"fine",   "firm",   "fleet",  "fond",  "frank",  "fresh", "gentle", "glad",
	"grand",  "happy",  "hardy",  "keen",  "kind",   "late",  "light",  "lively",
	"loyal",  "lucid",  "merry",  "mild",  "modest", "neat",  "nimble", "noble",
	"plain",  "polite", "proud",  "quick", "quiet",  "rapid", "ready",  "robust",
	"royal",  "sharp",  "silent", "sleek", "smart",  "solid", "sound",  "spry",
	"steady", "sunny",  "swift",  "tidy",  "vivid",  "warm",  "wise",   "witty",
};
static const char *const nouns[] = {
	"acorn",  "alder",   "anchor",  "apple",   "aspen",  "badger",  "beacon", "birch",
	"breeze", "brook",   "candle",  "canyon",  "cedar",  "cliff",   "clover", "comet",
	"coral",  "crane",   "delta",   "dune",    "ember",  "falcon",  "fern",   "finch",
	"fjord",  "forest",  "gecko",   "geyser",  "glade",  "grove",   "harbor", "hazel",
	"heron",  "island",  "juniper", "kestrel", "lagoon", "lark",    "linden", "lynx",
	"maple",  "marsh",   "meadow",  "meteor",  "moss",   "oak",     "ocean",  "orchid",
	"osprey", "otter",   "pebble",  "pine",    "plover", "quartz",  "reef",   "river",
	"robin",  "sparrow", "spruce",  "summit",  "tern",   "thistle", "willow", "wren",
};
static_assert(ARRAY_SIZE(adjectives) == 64 && ARRAY_SIZE(nouns) == 64, "6 bits each");

char *name_generate(struct arena *a, uint64_t random)
{
	const char *adjective = adjectives[random % 64], *noun = nouns[random / 64 % 64];

	return arena_printf(a, "%s-%s", adjective, noun);
}
