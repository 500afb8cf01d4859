/* SPDX-License-Identifier: Apache-2.0 */
/* What an app answers to a probe: as HTTP/1 and as a HTTP/2 stream, whole and in two parts. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "net/probe_check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char says[PROBE_SAYS_MAX];
	size_t used = 0;

	(void)!probe_judge_http((const char *)data, size, says);
	(void)!probe_judge_grpc(data, size, &used, says);
	if (used > size)
		abort();
	(void)!probe_judge_grpc(data, size / 2, &used, says);
	return 0;
}
