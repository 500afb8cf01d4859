/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Numbers that Rocket uses inside a pod's network namespace, and nowhere else: they can't clash with the
 * host's own marks, tables and rules. The relay, the set-up and the uplink share them.
 */
#pragma once

enum {
	NET_LO = 1,                   /* lo is link 1 of every network namespace */
	NET_WALL_METRIC = 0x7fffffff, /* of the prohibit routes: any other default route wins */
	NET_RELAY_MARK = 0x726b74,    /* on the relay's sockets, and by tcp_fwmark_accept on the app's */
	NET_RELAY_TABLE = 7265,       /* everything is local: where marked answers go */
	NET_RELAY_UDP_TABLE = 7266,   /* living UDP clients are local: where an app's datagrams to them go */
	NET_RELAY_RULE = 100,         /* priority of the mark's rule, after the local table's 0 */
	NET_RELAY_UDP_RULE = 101,
	NET_OUT_RULE = 200,           /* priority of the rules of out: holes */
	NET_OUT_TABLE = 7300,         /* the first of their tables, one for each protocol and range of ports */
	NET_OUT_CLASSES = 256,
};
