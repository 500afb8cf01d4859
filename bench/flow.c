/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes from one process to another, and how long they took where they arrive:
 *
 *   flow sink PORT          one connection, read to its end; prints ms a GiB from the first byte on
 *   flow pour PORT MIB      connects to 127.0.0.1 (for five seconds until somebody listens) and sends
 *   flow in                 the same of standard input
 *   flow out MIB            the same to standard output
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { CHUNK = 1 << 17 };
static char bytes[CHUNK];

static double now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static int take(int fd)
{
	double start = 0, total = 0;
	ssize_t n;

	while ((n = read(fd, bytes, CHUNK)) > 0) {
		if (total == 0)
			start = now_ms();
		total += (double)n;
	}
	if (n < 0 || total == 0)
		return 1;
	printf("%.3f\n", (now_ms() - start) * (1 << 30) / total);
	return 0;
}

static int give(int fd, long mib)
{
	for (long left = mib << 20; left > 0;) {
		ssize_t n = write(fd, bytes, left < CHUNK ? (size_t)left : CHUNK);

		if (n <= 0)
			return 1;
		left -= n;
	}
	return 0;
}

static struct sockaddr_in loopback(const char *port)
{
	return (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons((uint16_t)strtol(port, NULL, 10)),
				     .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
}

static int sink(const char *port)
{
	struct sockaddr_in a = loopback(port);
	int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1, c;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, (struct sockaddr *)&a, sizeof(a)) < 0 || listen(fd, 1) < 0 || (c = accept(fd, NULL, NULL)) < 0)
		return 1;
	/* A relay resets who came before we listened; he comes again. */
	return take(c);
}

static int pour(const char *port, long mib)
{
	struct sockaddr_in a = loopback(port);

	signal(SIGPIPE, SIG_IGN);
	for (int i = 0; i < 500; i++) {
		int fd = socket(AF_INET, SOCK_STREAM, 0);

		if (connect(fd, (struct sockaddr *)&a, sizeof(a)) == 0 && give(fd, mib) == 0)
			return 0;
		close(fd);
		usleep(10000);
	}
	return 1;
}

int main(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "in") == 0)
		return take(STDIN_FILENO);
	if (argc == 3 && strcmp(argv[1], "out") == 0)
		return give(STDOUT_FILENO, strtol(argv[2], NULL, 10));
	if (argc == 3 && strcmp(argv[1], "sink") == 0)
		return sink(argv[2]);
	if (argc == 4 && strcmp(argv[1], "pour") == 0)
		return pour(argv[2], strtol(argv[3], NULL, 10));
	fprintf(stderr, "flow sink PORT | pour PORT MIB | in | out MIB\n");
	return 2;
}
