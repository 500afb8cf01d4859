/* SPDX-License-Identifier: Apache-2.0 */
/* See dns.h. Every read goes through a cursor that knows its end; a compressed name makes at most JUMPS jumps back. */
#include "net/dns.h"

#include <string.h>
#include <sys/socket.h>

enum { HEADER = 12, LABEL_MAX = 63, JUMPS = 16, CHAIN_MAX = 16, RECORDS_MAX = 256, CLASS_IN = 1, CLIENT_MAX = 512 };
enum { FLAG_REPLY = 0x8000, FLAG_TRUNCATED = 0x0200, FLAG_RECURSION = 0x0100, FLAG_AVAILABLE = 0x0080, OPCODE = 0x7800 };
enum { TYPE_OPT = 41 };

struct cursor {
	const uint8_t *bytes;
	size_t n, at;
	bool bad;
};

static uint16_t read_u16(struct cursor *c)
{
	uint16_t v;

	if (c->bad || c->n - c->at < 2) {
		c->bad = true;
		return 0;
	}
	v = (uint16_t)(c->bytes[c->at] << 8 | c->bytes[c->at + 1]);
	c->at += 2;
	return v;
}

static uint32_t read_u32(struct cursor *c)
{
	uint32_t high = read_u16(c);

	return high << 16 | read_u16(c);
}

static bool is_name_byte(uint8_t b)
{
	return (b >= 'a' && b <= 'z') || (b >= 'A' && b <= 'Z') || (b >= '0' && b <= '9') || b == '-' || b == '_';
}

static char lower(uint8_t b)
{
	return (char)(b >= 'A' && b <= 'Z' ? b + 32 : b);
}

/* One label's bytes onto the text; false when it has a byte that no host's name has, or does not fit. */
static bool add_label(const uint8_t *bytes, size_t n, char *name, size_t *len)
{
	if (*len + n + 2 > DNS_NAME_MAX)
		return false;
	if (*len)
		name[(*len)++] = '.';
	for (size_t i = 0; i < n; i++) {
		if (!is_name_byte(bytes[i]))
			return false;
		name[(*len)++] = lower(bytes[i]);
	}
	return true;
}

/* A name at the cursor, which moves behind it; compressed ones only where `jumps` allows. */
static void read_name(struct cursor *c, char *name, int jumps)
{
	size_t at = c->at, len = 0;
	bool jumped = false;

	while (!c->bad) {
		uint8_t n = at < c->n ? c->bytes[at] : 0xff;

		if (n == 0)
			break;
		if ((n & 0xc0) == 0xc0 && jumps-- > 0 && at + 1 < c->n) {
			if (!jumped)
				c->at = at + 2;
			jumped = true;
			at = (size_t)(n & 0x3f) << 8 | c->bytes[at + 1];
			continue;
		}
		if (n > LABEL_MAX || c->n - at < (size_t)n + 1 || !add_label(c->bytes + at + 1, n, name, &len))
			c->bad = true;
		at += (size_t)n + 1;
	}
	name[len] = 0;
	if (!c->bad && !jumped)
		c->at = at + 1;
}

/* ---- the client ---- */

bool dns_read_question(const uint8_t *packet, size_t n, struct dns_question *ret, enum dns_rcode *ret_rcode)
{
	struct cursor c = { packet, n, 0, false };
	struct dns_question q = { .id = read_u16(&c) };
	uint16_t flags = read_u16(&c), questions = read_u16(&c), class;

	c.at += 6;
	if (n < HEADER || flags & FLAG_REPLY)
		return false;
	q.recursion = flags & FLAG_RECURSION;
	*ret_rcode = DNS_BAD;
	if (!(flags & OPCODE) && questions == 1) {
		read_name(&c, q.name, 0);
		q.type = read_u16(&c);
		class = read_u16(&c);
		if (!c.bad && class == CLASS_IN && *q.name && c.at - HEADER <= sizeof(q.bytes)) {
			q.len = (uint16_t)(c.at - HEADER);
			memcpy(q.bytes, packet + HEADER, q.len);
			*ret_rcode = DNS_OK;
		}
	}
	*ret = q;
	return true;
}

static void put_u16(uint8_t *out, size_t at, uint16_t v)
{
	out[at] = (uint8_t)(v >> 8);
	out[at + 1] = (uint8_t)v;
}

static size_t put_address(uint8_t *out, size_t at, const struct out_addr *a, uint32_t ttl_s)
{
	size_t len = out_addr_len(a);

	put_u16(out, at, 0xc000 | HEADER); /* the question's name */
	put_u16(out, at + 2, a->family == AF_INET6 ? DNS_AAAA : DNS_A);
	put_u16(out, at + 4, CLASS_IN);
	put_u16(out, at + 6, (uint16_t)(ttl_s >> 16));
	put_u16(out, at + 8, (uint16_t)ttl_s);
	put_u16(out, at + 10, (uint16_t)len);
	memcpy(out + at + 12, a->bytes, len);
	return at + 12 + len;
}

size_t dns_write_answer(const struct dns_question *q, const struct dns_answer *a, uint8_t *out)
{
	size_t at = HEADER + (size_t)q->len, n = 0;

	memset(out, 0, HEADER);
	put_u16(out, 0, q->id);
	put_u16(out, 2, (uint16_t)(FLAG_REPLY | FLAG_AVAILABLE | (q->recursion ? FLAG_RECURSION : 0) | a->rcode));
	put_u16(out, 4, q->len ? 1 : 0);
	memcpy(out + HEADER, q->bytes, q->len);
	for (; n < a->n && at + 12 + out_addr_len(&a->addrs[n]) <= CLIENT_MAX; n++)
		at = put_address(out, at, &a->addrs[n], a->ttl_s);
	put_u16(out, 6, (uint16_t)n);
	return at;
}

/* ---- the server outside ---- */

size_t dns_write_query(const struct dns_question *q, uint16_t id, uint8_t *out)
{
	size_t at = HEADER + (size_t)q->len;

	memset(out, 0, HEADER);
	put_u16(out, 0, id);
	put_u16(out, 2, FLAG_RECURSION);
	put_u16(out, 4, 1);
	put_u16(out, 10, 1);
	memcpy(out + HEADER, q->bytes, q->len);
	out[at] = 0; /* EDNS: how much we take */
	put_u16(out, at + 1, TYPE_OPT);
	put_u16(out, at + 3, DNS_PACKET_MAX);
	memset(out + at + 5, 0, 6);
	return at + 11;
}

struct chain {
	char names[CHAIN_MAX][DNS_NAME_MAX];
	size_t n;
};

static bool chain_has(const struct chain *chain, const char *name)
{
	for (size_t i = 0; i < chain->n; i++)
		if (strcmp(chain->names[i], name) == 0)
			return true;
	return false;
}

struct record {
	char owner[DNS_NAME_MAX];
	uint16_t type, class, len;
	uint32_t ttl_s;
	size_t data; /* where in the packet */
};

static bool read_record(struct cursor *c, struct record *r)
{
	read_name(c, r->owner, JUMPS);
	r->type = read_u16(c);
	r->class = read_u16(c);
	r->ttl_s = read_u32(c);
	r->len = read_u16(c);
	r->data = c->at;
	if (c->bad || c->n - c->at < r->len)
		return false;
	c->at += r->len;
	return true;
}

static void follow(const struct cursor *packet, const struct record *r, struct chain *chain, struct dns_answer *a)
{
	struct cursor c = *packet;

	c.at = r->data;
	c.bad = false;
	if (chain->n == CHAIN_MAX)
		return;
	read_name(&c, chain->names[chain->n], JUMPS);
	if (c.bad || chain_has(chain, chain->names[chain->n]))
		return;
	chain->n++;
	if (r->ttl_s < a->ttl_s)
		a->ttl_s = r->ttl_s;
}

static void take_address(const struct cursor *packet, const struct record *r, struct dns_answer *a)
{
	struct out_addr *addr = &a->addrs[a->n];

	if (a->n == DNS_ADDRS_MAX || r->len != (r->type == DNS_AAAA ? 16 : 4))
		return;
	*addr = (struct out_addr){ .family = r->type == DNS_AAAA ? AF_INET6 : AF_INET };
	memcpy(addr->bytes, packet->bytes + r->data, r->len);
	a->n++;
	if (r->ttl_s < a->ttl_s)
		a->ttl_s = r->ttl_s;
}

/* One pass over the records; the chain's names first (they may stand in any order), the addresses at last. */
static void pass(struct cursor c, uint16_t records, uint16_t type, bool addresses, struct chain *chain,
		 struct dns_answer *a)
{
	struct record r;

	for (uint16_t i = 0; i < records && i < RECORDS_MAX && read_record(&c, &r); i++) {
		if (r.class != CLASS_IN || !chain_has(chain, r.owner))
			continue;
		if (addresses && r.type == type)
			take_address(&c, &r, a);
		else if (!addresses && r.type == DNS_CNAME)
			follow(&c, &r, chain, a);
	}
}

bool dns_read_reply(const uint8_t *packet, size_t n, const struct dns_question *q, uint16_t id, struct dns_answer *ret)
{
	struct cursor c = { packet, n, 0, false };
	uint16_t got_id = read_u16(&c), flags = read_u16(&c), questions = read_u16(&c), records = read_u16(&c), type, class;
	struct dns_answer a = { .rcode = (enum dns_rcode)(flags & 15), .ttl_s = UINT32_MAX };
	char name[DNS_NAME_MAX];
	struct chain chain = { .n = 1 };
	size_t before;

	c.at += 4;
	if (n < HEADER || got_id != id || !(flags & FLAG_REPLY) || questions != 1)
		return false;
	read_name(&c, name, 0);
	type = read_u16(&c);
	class = read_u16(&c);
	if (c.bad || type != q->type || class != CLASS_IN || strcmp(name, q->name) != 0)
		return false;
	memcpy(chain.names[0], q->name, sizeof(q->name));
	do {
		before = chain.n;
		pass(c, records, type, false, &chain, &a);
	} while (chain.n > before && chain.n < CHAIN_MAX);
	pass(c, records, type, true, &chain, &a);
	/* Cut off before its addresses came: no word on the name. */
	if (flags & FLAG_TRUNCATED && !a.n)
		a.rcode = DNS_FAILED;
	*ret = a;
	return true;
}
