/* SPDX-License-Identifier: Apache-2.0 */
/* placeholder until the resolver comes in this same change */
#include "net/uplink_core.h"

#include <string.h>

bool uplink_names_hold(const struct uplink_core *c, uint32_t number, const struct out_addr *a)
{
	for (size_t i = 0; i < UPLINK_PINS; i++)
		if (c->pins[i].number == number && c->pins[i].addr.family == a->family &&
		    memcmp(c->pins[i].addr.bytes, a->bytes, out_addr_len(a)) == 0)
			return true;
	return false;
}

void uplink_names_forget(struct uplink_core *c, uint32_t number)
{
	for (size_t i = 0; i < UPLINK_PINS; i++)
		if (c->pins[i].number == number)
			c->pins[i].number = UPLINK_HOLES_MAX;
}

int uplink_names_write(struct uplink_core *c, struct err *e)
{
	return err_new(e, ERR_FAILED, "names are not built yet");
}

void uplink_names_hear(struct uplink_core *c)
{
}

void uplink_names_log(struct uplink_core *c, uint32_t op)
{
	struct uplink_reply r = { .op = op };

	uplink_core_reply(c, &r);
}
