/* SPDX-License-Identifier: MIT */
/* The configured domains, and which of them a name is under. No system calls. */
#include "capture/domains.h"

#include "capture/fold.h"
#include "capture/sixteen.h"

/* Names are compared sixteen bytes at a time, and read to the end of the last sixteen */
#define READ_BEYOND 16

/* The next bytes of a name in lower case, zeros after its @left bytes */
static v16u8 lower(const uint8_t *name, size_t left)
{
	v16u8 c = sixteen_load(name) & sixteen_first(left);

	return c | ((v16u8)((v16u8)(c - 'A') < 26) & 0x20);
}

/* Names that differ in length or in their first 16 bytes rarely meet. The operator chooses them,
 * so no attacker can make them collide.
 */
static uint8_t name_hash(v16u8 first, size_t bytes)
{
	const uint64_t a = ((v2u64)first)[0] ^ bytes, b = ((v2u64)first)[1];

	return (uint8_t)((a * 0x9e3779b97f4a7c15u ^ b * 0xc2b2ae3d27d4eb4fu) >> 56);
}

void domains_index(const struct config *config, struct domains *ret_domains)
{
	struct domains *domains = ret_domains;

	*domains = (struct domains){ .config = config };
	for (unsigned i = 0; i < config->tunnel_count; i++) {
		const struct tunnel *tunnel = &config->tunnels[i];
		const size_t bytes = tunnel->name_bytes;
		const uint8_t hash = name_hash(lower(tunnel->name, bytes), bytes);

		domains->name_lengths[bytes / 64] |= UINT64_C(1) << bytes % 64;
		if (tunnel->labels > domains->labels_max)
			domains->labels_max = tunnel->labels;
		domains->hash_next[i] = domains->hash_first[hash];
		domains->hash_first[hash] = (uint8_t)(i + 1);
	}
}

/* Domain of exactly this name: in wire form, all of it ASCII, readable for READ_BEYOND bytes more.
 * Return: its index, or -1
 */
static int find(const struct domains *domains, const uint8_t *name, size_t bytes)
{
	v16u8 first;

	if (!(domains->name_lengths[bytes / 64 % 4] >> bytes % 64 & 1))
		return -1;
	first = lower(name, bytes);
	for (unsigned i = domains->hash_first[name_hash(first, bytes)]; i != 0;
	     i = domains->hash_next[i - 1]) {
		const struct tunnel *tunnel = &domains->config->tunnels[i - 1];
		v16u8 differ = first ^ sixteen_load(tunnel->name);

		for (size_t at = 16; at < bytes; at += 16)
			differ |= lower(name + at, bytes - at) ^ sixteen_load(tunnel->name + at);
		if (tunnel->name_bytes == bytes && sixteen_is_zero(differ))
			return (int)i - 1;
	}
	return -1;
}

/* Letters that Go's bytes.ToLower() brings into ASCII: I WITH DOT ABOVE, KELVIN SIGN */
static const struct fold_letter letters[] = { { "\xc4\xb0", 'i' },
					      { "\xe2\x84\xaa", 'k' },
					      { "", 0 } };

/* The last labels of a name, from @first on, in one piece and in ASCII. Return: its bytes */
static size_t unfold(const struct dns_name *name, unsigned first,
		     uint8_t ret_lower[DNS_NAME_BYTES + READ_BEYOND])
{
	size_t bytes = 0;

	for (unsigned i = first; i < name->labels; i++) {
		const uint8_t *label = name->label[i];
		size_t length = fold(letters, ret_lower + bytes + 1, label + 1, *label);

		ret_lower[bytes] = (uint8_t)length;
		bytes += 1 + length;
	}
	ret_lower[bytes] = 0;
	return bytes;
}

int domains_match(const struct domains *domains, const struct dns_name *name, unsigned *ret_prefix)
{
	static uint8_t lowered[DNS_NAME_BYTES + READ_BEYOND]; /* static: not zeroed each time */
	const unsigned labels = name->labels;
	unsigned first = labels > domains->labels_max ? labels - domains->labels_max : 0;
	const struct cursor rest = { name->label[first], name->end };
	const uint8_t *from = rest.at;
	size_t bytes = (size_t)(name->label[labels] - from);

	if (!name->is_in_line || bytes + READ_BEYOND > cursor_left(&rest) ||
	    !sixteen_is_ascii(from, bytes)) {
		bytes = unfold(name, first, lowered);
		from = lowered;
	}
	for (; *from != 0; first++) {
		int domain = find(domains, from, bytes + 1);

		if (domain >= 0) {
			*ret_prefix = first;
			return domain;
		}
		bytes -= 1u + *from;
		from += 1u + *from;
	}
	return -1;
}
