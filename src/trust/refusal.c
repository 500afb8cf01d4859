/* SPDX-License-Identifier: Apache-2.0 */
/* What people read when an image may not run (design, section 9). */
#include "trust/verdict.h"

int verdict_refuse(const struct trust_verdict *v, const char *typed, struct err *e)
{
	err_new(e, ERR_POLICY, "%.150s is not signed by anyone you trust", v->name ? v->name : typed);
	err_because(e, "%.380s", v->because ? v->because : "nothing vouches for it");
	if (v->hint)
		return err_try(e, "%.250s", v->hint);
	return err_try(e, "rocket trust add --digest %.120s   (this exact image, from now on)", v->name ? v->name : typed);
}
