/* SPDX-License-Identifier: Apache-2.0 */
/* An app that does nothing: sleeps until TERM, and then ends with 0. Called as `true` it ends at once. */
#include <signal.h>
#include <string.h>
#include <unistd.h>

static void end(int signal)
{
	_exit(0);
}

int main(int argc, char **argv)
{
	const char *slash = strrchr(argv[0], '/');

	if (!strcmp(slash ? slash + 1 : argv[0], "true"))
		return 0;
	signal(SIGTERM, end);
	for (;;)
		pause();
}
