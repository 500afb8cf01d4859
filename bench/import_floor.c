/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The floor of importing a layer: inflate (ISA-L), SHA-256 of the compressed and of the plain bytes, and a walk
 * over the tar headers; nothing is written. `import_floor FILE.tar.gz` prints members and bytes.
 */
#include <fcntl.h>
#include <isa-l/igzip_lib.h>
#include <openssl/evp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { CHUNK = 1 << 20, BLOCK = 512 };

struct walk {
	uint64_t skip;          /* bytes until the next header */
	uint64_t members, bytes;
	size_t have;            /* of a header cut by the chunk's end */
	uint8_t header[BLOCK];
};

static void read_header(struct walk *w)
{
	char size[13] = {};

	for (int i = 0; i < 12; i++)
		size[i] = (char)w->header[124 + i];
	w->have = 0;
	if (!w->header[0])
		return;
	w->members++;
	w->skip = (strtoull(size, NULL, 8) + BLOCK - 1) / BLOCK * BLOCK;
}

static void walk_tar(struct walk *w, const uint8_t *p, size_t n)
{
	w->bytes += n;
	while (n) {
		size_t step = n;

		if (w->skip) {
			step = w->skip < n ? (size_t)w->skip : n;
			w->skip -= step;
		} else {
			step = BLOCK - w->have < n ? BLOCK - w->have : n;
			for (size_t i = 0; i < step; i++)
				w->header[w->have + i] = p[i];
			w->have += step;
			if (w->have == BLOCK)
				read_header(w);
		}
		p += step;
		n -= step;
	}
}

static int inflate_file(int fd, struct walk *w, EVP_MD_CTX *packed, EVP_MD_CTX *plain)
{
	uint8_t *in = malloc(CHUNK), *out = malloc(CHUNK);
	struct inflate_state *z = malloc(sizeof *z);
	ssize_t n;

	isal_inflate_init(z);
	z->crc_flag = ISAL_GZIP;
	while ((n = read(fd, in, CHUNK)) > 0) {
		EVP_DigestUpdate(packed, in, (size_t)n);
		z->next_in = in;
		z->avail_in = (uint32_t)n;
		do {
			z->next_out = out;
			z->avail_out = CHUNK;
			if (isal_inflate(z) != ISAL_DECOMP_OK)
				return -1;
			EVP_DigestUpdate(plain, out, CHUNK - z->avail_out);
			walk_tar(w, out, CHUNK - z->avail_out);
		} while (!z->avail_out);
	}
	free(in);
	free(out);
	free(z);
	return n < 0 ? -1 : 0;
}

int main(int argc, char **argv)
{
	int fd = argc == 2 ? open(argv[1], O_RDONLY | O_CLOEXEC) : -1;
	EVP_MD_CTX *packed = EVP_MD_CTX_new(), *plain = EVP_MD_CTX_new();
	struct walk w = {};

	EVP_DigestInit_ex(packed, EVP_sha256(), NULL);
	EVP_DigestInit_ex(plain, EVP_sha256(), NULL);
	if (fd < 0 || inflate_file(fd, &w, packed, plain)) {
		fputs("usage: import_floor FILE.tar.gz\n", stderr);
		return 1;
	}
	printf("%llu members, %llu bytes\n", (unsigned long long)w.members, (unsigned long long)w.bytes);
	EVP_MD_CTX_free(packed);
	EVP_MD_CTX_free(plain);
	return 0;
}
