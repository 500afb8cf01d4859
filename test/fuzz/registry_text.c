/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as what servers and auth files say: challenges, addresses, pages of appc discovery, credentials. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "registry/auth_file.h"
#include "registry/base64.h"
#include "registry/challenge.h"
#include "registry/discovery.h"
#include "registry/url.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static void check(bool good)
{
	if (!good)
		abort();
}

static void try_challenge(struct arena *a, const char *text)
{
	char *copy = arena_strdup(a, text), *headers[] = {copy, copy, NULL};
	struct challenge c = challenge_parse(a, headers);

	check(c.scheme != CHALLENGE_BEARER || c.realm);
	for (const char *r = c.realm; r && *r; r++)
		check((unsigned char)*r >= 32 && *r != 127);
}

static void try_url(struct arena *a, const char *text)
{
	struct url u;
	struct err e = {};

	if (url_parse(a, "https://registry.example.com/v2/", text, &u, &e)) {
		check(e.code == ERR_NETWORK && e.what[0]);
		return;
	}
	check(!strcmp(u.scheme, "https") || !strcmp(u.scheme, "http"));
	check(*u.host && *u.port && !strpbrk(u.text, " \r\n\t"));
	url_authority(a, &u);
	check(strstr(url_add_query(a, u.text, "k", text), "k=") != NULL);
}

static void try_page(struct arena *a, const char *text, size_t n)
{
	static char version[] = "version=1", os[] = "os=linux", arch[] = "arch=amd64";
	char *labels[] = {version, os, arch, NULL};
	struct discovery_tags tags;

	discovery_parse(a, text, n, &tags);
	check(tags.images.n <= DISCOVERY_TAGS_MAX && tags.keys.n <= DISCOVERY_TAGS_MAX);
	for (size_t i = 0; i < tags.images.n; i++) {
		char *url = discovery_render(a, tags.images.v[i].value, "example.com/app", "aci", labels);

		check(!url || str_has_prefix(url, "https://"));
	}
}

static void try_auth(struct arena *a, const char *text, size_t n)
{
	struct credentials c = {.user = (char *)"u", .password = (char *)"p"};
	struct auth_file file;
	struct err e = {};
	bool changed;
	char *edited;
	size_t len;

	base64_decode(a, text, &len);
	if (auth_file_parse(a, "fuzz", text, n, &file, &e)) {
		check(e.code && e.what[0]);
		return;
	}
	auth_file_find(&file, "docker.io/library/nginx");
	check(!auth_file_edit(a, "fuzz", text, n, "example.com", &c, &edited, &changed, &e) && changed);
	check(!auth_file_parse(a, "fuzz", edited, strlen(edited), &file, &e));
	const struct credentials *found = auth_file_find(&file, "example.com/x");

	check(found && !strcmp(found->user, "u") && !strcmp(found->password, "p"));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	autoarena a = {};
	char *text = arena_strndup(&a, (const char *)bytes, n);

	if (n > 64 << 10)
		return 0;
	try_challenge(&a, text);
	try_url(&a, text);
	try_page(&a, (const char *)bytes, n);
	try_auth(&a, text, n);
	return 0;
}
