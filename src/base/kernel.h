/* SPDX-License-Identifier: Apache-2.0 */
/* What the running kernel is, where its version alone tells what it can do. */
#pragma once

#include <stdbool.h>

/* Is it Linux MAJOR.MINOR or newer (uname(2))? */
bool kernel_is_at_least(long major, long minor);
