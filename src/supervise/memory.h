/* SPDX-License-Identifier: Apache-2.0 */
/* A supervisor waits for most of its life: what only its start needed leaves its memory. */
#pragma once

/* Lets go of the pages of program and stack that bringing a pod up touched; those that are needed again come back by themselves. */
void memory_let_go(void);
