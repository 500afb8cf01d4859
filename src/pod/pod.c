/* SPDX-License-Identifier: Apache-2.0 */
/* Finding things in a pod that is asked for. Pure. */
#include "pod/pod.h"

#include <string.h>

#include "pod/names.h"

struct pod_app *pod_find_app(const struct pod *p, const char *name)
{
	for (size_t i = 0; i < p->apps.n; i++)
		if (p->apps.v[i].name && !strcmp(p->apps.v[i].name, name))
			return &p->apps.v[i];
	return NULL;
}

struct pod_volume *pod_find_volume(const struct pod *p, const char *name)
{
	for (size_t i = 0; i < p->volumes.n; i++)
		if (!strcmp(p->volumes.v[i].name, name))
			return &p->volumes.v[i];
	return NULL;
}

char *pod_free_app_name(struct arena *a, const struct pod *p, const char *image)
{
	char *stem = name_of_image(a, image), *name = stem;

	for (unsigned i = 2; pod_find_app(p, name); i++)
		name = arena_printf(a, "%s-%u", stem, i);
	return name;
}
