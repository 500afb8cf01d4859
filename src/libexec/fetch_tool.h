/* SPDX-License-Identifier: Apache-2.0 */
/* Private to rocket-fetch: what its verbs share. */
#pragma once

#include <stdbool.h>

#include "base/arena.h"
#include "base/err.h"
#include "registry/fetch.h"
#include "registry/registry.h"
#include "store/store.h"

struct fetch_tool {
	struct arena arena;
	struct store store;
	struct registry *registry;
	const char *dir, *run;  /* of the store */
	struct registry_options options;
	bool json, quiet;
	int lock;
};

/* Verbs: words behind the verb. 0 or -code. */
int fetch_verb_fetch(struct fetch_tool *t, int argc, char **argv, struct err *e);
int fetch_verb_push(struct fetch_tool *t, int argc, char **argv, struct err *e);
int fetch_verb_signatures(struct fetch_tool *t, int argc, char **argv, struct err *e);
int fetch_verb_login(struct fetch_tool *t, int argc, char **argv, struct err *e);
int fetch_verb_logout(struct fetch_tool *t, int argc, char **argv, struct err *e);
int fetch_verb_aci(struct fetch_tool *t, int argc, char **argv, struct err *e);
int fetch_verb_mirror(struct fetch_tool *t, int argc, char **argv, struct err *e);

/* One ACI, with privileges gone: by its app's name, an address, or a plain name whose host is no registry. Prints its name. */
[[nodiscard]] int fetch_aci_one(struct fetch_tool *t, const char *typed, const char *platform, const char *name,
				const char *who, struct err *e);
/* For the record: behind sudo, the person. Reads passwd. */
const char *fetch_user_name(void);

/* Opens the store and takes its lock shared. */
[[nodiscard]] int fetch_open_store(struct fetch_tool *t, struct err *e);
/* The registry session, by the options. */
[[nodiscard]] int fetch_open_registry(struct fetch_tool *t, struct err *e);

/*
 * Progress of layers: on a terminal one line each of those that move, redrawn; elsewhere a line for each that is over. Nothing
 * with -q. begin gives NULL when nobody wants to see it.
 */
struct fetch_display;
struct fetch_display *fetch_display_begin(const struct fetch_tool *t, const char *title);
void fetch_display_show(void *display, const struct fetch_layer_view *layers, size_t n);
void fetch_display_end(struct fetch_display *d);
