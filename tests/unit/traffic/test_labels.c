/* SPDX-License-Identifier: MIT */
/* Who gets a label set of its own: forged queries from everywhere, and clients that mean it */
#include "traffic/traffic.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "geoip_fixture.h"
#include "mmdb_craft.h"
#include "record_craft.h"
#include "traffic/interfaces.h"
#include "unit.h"

#define SECOND UINT64_C(1000000000)
#define DEPTH  17 /* bits that tell networks apart: 131,072 of them */

static struct interfaces interfaces = { .fd = -1 };
static struct traffic traffic;
static uint64_t now_ns;
static unsigned number; /* of queries, so that none repeats another */

/* A database in which network n, of AS n + 1, has the IPv4 addresses that begin with n */
static struct geoip_database *networks(void)
{
	static const char name[] = "autonomous_system_number";
	const uint32_t nodes = (1 << DEPTH) - 1, record = 1 + 1 + sizeof(name) - 1 + 1 + 4;
	struct geoip_database *database;
	char path[32];
	CRAFT craft;
	int file = memfd_create("networks", MFD_CLOEXEC);

	craft_begin(&craft, nodes);
	for (uint32_t node = 0; node < nodes; node++) {
		uint32_t to[2];

		for (uint32_t way = 0; way < 2; way++) {
			uint32_t below = 2 * node + 1 + way;

			to[way] = below < nodes ? below
						: CRAFT_DATA(&craft, (below - nodes) * record);
		}
		craft_node(&craft, node, to[0], to[1]);
	}
	for (uint32_t i = 0; i <= nodes; i++) {
		assert_int_equal(craft_here(&craft), i * record);
		craft_control(&craft, CRAFT_MAP, 1);
		craft_string(&craft, name);
		craft_number(&craft, CRAFT_UINT32, i + 1, 4);
	}
	craft_finish(&craft);
	assert_int_equal(write(file, craft.bytes, craft.size), (ssize_t)craft.size);
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", file);
	database = fixture_open(GEOIP_ASN, path);
	(void)close(file);
	return database;
}

static void open_traffic(struct geoip_database *asn, uint32_t domains, uint32_t max_series)
{
	const struct traffic_options options = { .domains = domains,
						 .max_sessions = 4096,
						 .max_series = max_series,
						 .interfaces = &interfaces,
						 .asn = asn,
						 .key = { 3, 4 } };

	now_ns = 1000 * SECOND;
	assert_int_equal(traffic_open(&traffic, &options), 0);
	traffic_records(&traffic, NULL, 0, (struct moment){ now_ns, 0 });
	now_ns += 300 * SECOND; /* nobody is from before the start */
}

static struct record query_of(uint32_t client, uint32_t network, uint8_t domain)
{
	struct record query = record_query("", ++number);

	memcpy(query.client_id, &client, sizeof(client));
	query.domain = domain;
	network = htonl(network << (32 - DEPTH));
	memcpy(query.resolver + 12, &network, sizeof(network));
	return query;
}

static void count(const struct record *record)
{
	traffic_records(&traffic, record, 1, (struct moment){ now_ns, 0 });
}

/* The server's answer, with segment @sn */
static void answer(const struct record *query, uint32_t sn)
{
	struct record records[2] = { record_response(query),
				     { .kind = RECORD_MORE,
				       .segment[0] = { .command = RECORD_KCP_PUSH, .sn = sn } } };

	records[0].segments = 1;
	traffic_records(&traffic, records, 2, (struct moment){ now_ns, 0 });
}

static void poll_in(uint8_t domain, uint32_t client, uint32_t network)
{
	struct record query = query_of(client, network, domain);

	query.flags = 0;
	count(&query);
}

static void poll(uint32_t client, uint32_t network)
{
	poll_in(0, client, network);
}

static void shake_hands_in(uint8_t domain, uint32_t client, uint32_t network)
{
	struct record query = query_of(client, network, domain);

	count(&query);
	answer(&query, 0);
	answer(&query, 1);
	query = query_of(client, network, domain);
	query.una = 2;
	count(&query);
}

static void shake_hands(uint32_t client, uint32_t network)
{
	shake_hands_in(0, client, network);
}

static const struct series *series_by_asn(uint32_t asn, uint8_t domain)
{
	for (uint32_t i = 0; i < traffic.series.count; i++) {
		const struct series *series = &traffic.series.series[i];

		if (!series->other && series->domain == domain && series->place.asn == asn)
			return series;
	}
	return NULL;
}

static uint64_t queries(void)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < traffic.series.count; i++)
		sum += traffic.series.series[i].queries;
	return sum;
}

#define FORGED 100000
#define REAL   1000

static void test_flood_from_everywhere_leaves_room_for_clients(void **state)
{
	DATABASE *asn = networks();

	(void)state;
	open_traffic(asn, 1, 4096);
	for (uint32_t i = 0; i < FORGED; i++)
		poll(i, i);
	assert_int_equal(queries(), FORGED);
	for (uint32_t i = 0; i < REAL; i++)
		shake_hands(FORGED + i, FORGED + i);
	for (uint32_t i = 0; i < REAL; i++) {
		const struct series *series = series_by_asn(FORGED + i + 1, 0);

		assert_non_null(series);
		assert_int_equal(series->established, 1);
		assert_int_equal(series->active, 1);
		assert_int_equal(series->working, 1);
	}
	assert_int_equal(queries(), FORGED + 2 * REAL);
	traffic_close(&traffic);
}

/* Two queries 5 s apart are soon forged too: a quarter is kept for those that have the handshake */
static void test_flood_of_five_seconds_leaves_room_for_handshakes(void **state)
{
	DATABASE *asn = networks();

	(void)state;
	open_traffic(asn, 1, 1024);
	for (unsigned round = 0; round < 2; round++) {
		for (uint32_t i = 0; i < 2000; i++)
			poll(i, i);
		now_ns += 5 * SECOND;
	}
	assert_int_equal(traffic.series.count - traffic.series.others, 1024 - 1023 / 4);
	for (uint32_t i = 0; i < 1023 / 4; i++)
		shake_hands(5000 + i, 5000 + i);
	for (uint32_t i = 0; i < 1023 / 4; i++)
		assert_non_null(series_by_asn(5000 + i + 1, 0));
	traffic_close(&traffic);
}

/* A table of which strangers have had their half */
static void open_with_half(struct geoip_database *asn)
{
	open_traffic(asn, 1, 64);
	for (uint32_t i = 0; i < 64; i++)
		poll(i, i);
	assert_null(series_by_asn(64, 0));
}

static void test_client_without_kcp_has_its_label_set_after_five_seconds(void **state)
{
	DATABASE *asn = networks();

	(void)state;
	open_with_half(asn);
	poll(1000, 1000);
	now_ns += 5 * SECOND - 1;
	poll(1000, 1000);
	assert_null(series_by_asn(1001, 0));
	now_ns++;
	poll(1000, 1000);
	assert_non_null(series_by_asn(1001, 0));
	assert_int_equal(series_by_asn(1001, 0)->queries, 1);
	assert_int_equal(series_by_asn(1001, 0)->active, 1);
	/* Now it is everybody's, also of a resolver that was asked for before */
	poll(2000, 1000);
	assert_int_equal(series_by_asn(1001, 0)->queries, 2);
	assert_int_equal(queries(), 64 + 4);
	traffic_close(&traffic);
}

static void test_one_session_speaks_for_one_network(void **state)
{
	DATABASE *asn = networks();
	uint32_t before;

	(void)state;
	open_with_half(asn);
	shake_hands(1000, 1000);
	before = traffic.series.count;
	for (uint32_t i = 2000; i < 2100; i++)
		poll(1000, i);
	assert_int_equal(traffic.series.count, before);
	traffic_close(&traffic);
}

static void test_session_that_got_none_may_speak_again(void **state)
{
	DATABASE *asn = networks();

	(void)state;
	open_traffic(asn, 2, 64);
	poll_in(1, 1000, 1000);
	for (unsigned round = 0; round < 2; round++) {
		for (uint32_t i = 0; i < 64; i++)
			poll(i, i);
		now_ns += 5 * SECOND;
	}
	assert_non_null(series_by_asn(1001, 1));
	poll_in(1, 1000, 2000); /* the domain's first that is "other" */
	assert_null(series_by_asn(2001, 1));
	shake_hands_in(1, 1000, 2000);
	assert_non_null(series_by_asn(2001, 1));
	traffic_close(&traffic);
}

/* What a client says that was there before the start is not evidence */
static void test_claim_to_be_past_the_handshake_is_none(void **state)
{
	DATABASE *asn = networks();

	(void)state;
	open_with_half(asn);
	traffic.start_ns = now_ns;
	for (uint32_t i = 1000; i < 1100; i++) {
		struct record query = query_of(i, i, 0);

		query.una = 50;
		count(&query);
		query = query_of(i, i, 0);
		query.una = 51;
		count(&query);
		assert_null(series_by_asn(i + 1, 0));
	}
	traffic_close(&traffic);
}

#define DOMAINS	 2
#define NETWORKS 48
#define SERIES	 32
#define CLIENTS	 40
#define STEPS	 4000

/* A session as the server and its client know it */
struct client {
	uint64_t first_ns, last_ns, took_ns;
	uint32_t una, sent; /* by the server */
	bool has_conv, is_established, has_added;
	uint8_t domain;
};

/* What a label set should have; [NETWORKS] is "other" */
struct expected {
	uint64_t queries, sessions, established;
	bool is_there;
};

struct model {
	struct client client[CLIENTS];
	struct expected expected[DOMAINS][NETWORKS + 1];
	unsigned made, made_by[SERIES_CLAIMS];
};

static struct model model;

static unsigned model_claim(const struct client *client, bool took)
{
	if (client->has_added)
		return SERIES_QUERY;
	if (client->is_established &&
	    (took || (client->took_ns && now_ns - client->took_ns <= 30 * SECOND)))
		return SERIES_PROVEN;
	return now_ns - client->first_ns >= 5 * SECOND ? SERIES_STAYED : SERIES_QUERY;
}

/* Return: whether the client has shown that it got something new */
static bool model_una(struct client *client, uint32_t una, bool is_early, uint64_t *ret_established)
{
	if (!client->has_conv) {
		const bool is_joined = is_early && una >= 2;

		client->has_conv = true;
		client->una = client->sent = is_joined ? una : 0;
		client->is_established = is_joined;
	}
	if (una > client->sent || una <= client->una)
		return false;
	client->una = una;
	*ret_established = una >= 2 && !client->is_established;
	client->is_established |= una >= 2;
	return true;
}

/* The label set that a query counts in */
static struct expected *model_place(struct client *client, unsigned network, bool took)
{
	static const unsigned room[SERIES_CLAIMS] = {
		[SERIES_QUERY] = SERIES - (SERIES - DOMAINS) / 2,
		[SERIES_STAYED] = SERIES - (SERIES - DOMAINS) / 4,
		[SERIES_PROVEN] = SERIES,
	};
	struct expected *own = &model.expected[client->domain][network];
	struct expected *other = &model.expected[client->domain][NETWORKS];
	const unsigned claim = model_claim(client, took);

	if (!own->is_there && model.made < room[claim]) {
		own->is_there = true;
		model.made++;
		model.made_by[claim]++;
		client->has_added |= claim != SERIES_QUERY;
	}
	if (own->is_there)
		return own;
	other->is_there = true;
	return other;
}

static void model_query(struct client *client, unsigned network, bool has_kcp, uint32_t una)
{
	const bool is_early = now_ns - traffic.start_ns <= 240 * SECOND;
	const bool is_new = client->first_ns == 0 || now_ns - client->last_ns > 240 * SECOND;
	struct expected *to;
	uint64_t established = 0;
	bool took;

	if (is_new)
		*client = (struct client){ .domain = client->domain, .first_ns = now_ns };
	client->last_ns = now_ns;
	took = has_kcp && model_una(client, una, is_early, &established);
	to = model_place(client, network, took);
	if (took)
		client->took_ns = now_ns;
	to->queries++;
	to->established += established;
	to->sessions += is_new && (!is_early || !has_kcp || una < 2);
}

/* Each label set has what it should, and none shows less than it did before */
static void assert_as_the_model(struct series *before, uint32_t count_before)
{
	uint32_t active[DOMAINS] = { 0 }, there = 0;

	assert_true(traffic.series.count >= count_before);
	for (uint32_t i = 0; i < traffic.series.count; i++) {
		const struct series *now = &traffic.series.series[i], *then = &before[i];
		const struct expected *expected;

		active[now->domain] += now->active;
		if (i < DOMAINS) {
			assert_int_equal(now->queries, 0); /* every network has its AS */
			continue;
		}
		expected = &model.expected[now->domain][now->other ? NETWORKS : now->place.asn - 1];
		there++;
		assert_true(expected->is_there);
		assert_int_equal(now->queries, expected->queries);
		assert_int_equal(now->bytes_in, expected->queries * 150);
		assert_int_equal(now->sessions, expected->sessions);
		assert_int_equal(now->established, expected->established);
		if (i >= count_before)
			continue;
		assert_string_equal(now->labels, then->labels);
		assert_int_equal(now->domain, then->domain);
		assert_true(now->bytes_out >= then->bytes_out && now->peak >= then->peak);
		assert_true(now->session_us >= then->session_us);
		assert_true(now->unanswered >= then->unanswered);
	}
	for (unsigned domain = 0; domain < DOMAINS; domain++) {
		assert_int_equal(active[domain], traffic.sessions.of_domain[domain].active);
		for (unsigned network = 0; network <= NETWORKS; network++)
			there -= model.expected[domain][network].is_there;
	}
	assert_int_equal(there, 0);
}

/* One client asks, honestly or not, from home or from elsewhere, and may be answered */
static void random_client(uint64_t *seed)
{
	const uint32_t index = unit_random(seed) % CLIENTS;
	struct client *client = &model.client[index];
	const uint32_t home = index % NETWORKS;
	const uint32_t network = unit_random(seed) % 8 ? home : unit_random(seed) % NETWORKS;
	const bool has_kcp = index % 4 != 0 && unit_random(seed) % 4 != 0;
	const bool lies = unit_random(seed) % 8 == 0;
	struct record query = query_of(index, network, client->domain);

	if (!has_kcp)
		query.flags = 0;
	else
		query.una = lies ? client->sent + 3 : client->sent;
	count(&query);
	model_query(client, network, has_kcp, query.una);
	if (!has_kcp || unit_random(seed) % 2 == 0)
		return;
	answer(&query, client->sent);
	client->sent++;
}

static void random_stranger(uint64_t *seed)
{
	struct client stranger = { .domain = (uint8_t)(unit_random(seed) % DOMAINS) };
	const uint32_t network = unit_random(seed) % NETWORKS;
	struct record query = query_of(CLIENTS + number, network, stranger.domain);

	count(&query);
	model_query(&stranger, network, true, 0);
}

static void random_pause(uint64_t *seed)
{
	switch (unit_random(seed) % 200) {
	case 0: now_ns += 300 * SECOND; break;
	case 1: now_ns += 29 * SECOND; break;
	default: now_ns += unit_random(seed) % 4 * (SECOND / 4); break;
	}
}

static void run_model(struct geoip_database *asn, uint64_t seed)
{
	static struct series before[SERIES + DOMAINS];

	memset(&model, 0, sizeof(model));
	model.made = DOMAINS;
	for (unsigned i = 0; i < CLIENTS; i++)
		model.client[i].domain = (uint8_t)(i % 7 % DOMAINS);
	open_traffic(asn, DOMAINS, SERIES);
	traffic.start_ns = now_ns;
	for (unsigned step = 0; step < STEPS; step++) {
		const uint32_t count_before = traffic.series.count;

		memcpy(before, traffic.series.series, count_before * sizeof(*before));
		random_pause(&seed);
		if (unit_random(&seed) % 32 == 0)
			random_stranger(&seed);
		else
			random_client(&seed);
		assert_as_the_model(before, count_before);
	}
	assert_int_equal(traffic.sessions.evictions, 0);
	assert_int_equal(traffic.series.count, SERIES + DOMAINS);
	traffic_close(&traffic);
}

static void test_any_traffic_is_counted_as_in_the_model(void **state)
{
	DATABASE *asn = networks();

	(void)state;
	for (uint64_t seed = 1; seed <= 20; seed++) {
		run_model(asn, seed);
		for (unsigned claim = SERIES_QUERY; claim < SERIES_CLAIMS; claim++)
			assert_int_not_equal(model.made_by[claim], 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_flood_from_everywhere_leaves_room_for_clients),
		cmocka_unit_test(test_flood_of_five_seconds_leaves_room_for_handshakes),
		cmocka_unit_test(test_client_without_kcp_has_its_label_set_after_five_seconds),
		cmocka_unit_test(test_one_session_speaks_for_one_network),
		cmocka_unit_test(test_session_that_got_none_may_speak_again),
		cmocka_unit_test(test_claim_to_be_past_the_handshake_is_none),
		cmocka_unit_test(test_any_traffic_is_counted_as_in_the_model),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
