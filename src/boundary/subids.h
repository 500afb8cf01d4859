/* SPDX-License-Identifier: Apache-2.0 */
/* /etc/subuid and /etc/subgid: the ids that an ordinary user may map beside his own (subuid(5)). Pure. */
#pragma once

#include <stdint.h>

struct subids {
	uint32_t first, count; /* count 0: none */
};

/* The largest range that the file's text gives the user, by name or by number. Lines that make no sense give nothing. */
struct subids subids_largest(const char *text, const char *name, uint32_t uid);
/* The name of uid in the text of /etc/passwd, as a span in it; NULL: it has none. */
const char *subids_user_name(const char *passwd, uint32_t uid, int *ret_len);
