/* SPDX-License-Identifier: Apache-2.0 */
/* Runs a fuzz target once on every file of the folders named: the corpus as a test, with any compiler. */
#include <dirent.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/io.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int run_folder(const char *path)
{
	autoclosedir DIR *dir = opendir(path);
	const struct dirent *d;
	int n = 0;

	if (!dir)
		return -1;
	while ((d = readdir(dir))) {
		autofree char *text = NULL;
		struct err e = {};
		size_t len;

		if (d->d_name[0] == '.')
			continue;
		if (io_read_file(dirfd(dir), d->d_name, 64U << 20, &text, &len, &e) < 0) {
			err_print(stderr, &e);
			return -1;
		}
		/* An exact copy, so that a sanitizer sees the first byte behind it. */
		autofree uint8_t *bytes = malloc(len ? len : 1);

		if (!bytes)
			return -1;
		for (size_t i = 0; i < len; i++)
			bytes[i] = (uint8_t)text[i];
		(void)LLVMFuzzerTestOneInput(bytes, len);
		n++;
	}
	return n;
}

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		int n = run_folder(argv[i]);

		if (n <= 0) {
			fprintf(stderr, "%s: no corpus\n", argv[i]);
			return 1;
		}
		printf("%s: %d files\n", argv[i], n);
	}
	return 0;
}
