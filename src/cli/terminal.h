/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The caller's terminal for a program in a pod: raw mode while it lasts, bytes both ways, the size passed
 * on, signals watched. What `enter -t` and `attach` share.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <termios.h>

struct terminal {
	bool raw;
	struct termios before;
	int signal_fd; /* SIGWINCH, SIGINT, SIGTERM, SIGHUP, SIGQUIT */
};

/* Blocks the signals and watches them; with `raw` the terminal on stdin goes raw. 0 or -1 with errno. */
[[nodiscard]] int terminal_open(struct terminal *t, bool raw);
void terminal_close(struct terminal *t);
/* The terminal's size, or false when stdin is none. */
bool terminal_size(uint16_t *ret_rows, uint16_t *ret_columns);
/* The next signal that arrived, or 0. */
int terminal_next_signal(struct terminal *t);
