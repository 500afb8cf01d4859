/* SPDX-License-Identifier: Apache-2.0 */
/* Private to rocket-fetch: giving up what talking to a registry and writing the store does not need. */
#pragma once

#include "base/err.h"
#include "store/store.h"

/*
 * For the rest of the process, as import_confine(), but that it may connect: files only below the store, and to be read those
 * by which names become addresses; only the system calls that fetching and importing make, none that starts a program,
 * listens, or looks at another process. To be called once credentials and certificates are read, before any thread and
 * before the first byte comes from a network.
 */
[[nodiscard]] int fetch_confine(const struct store *s, struct err *e);
