/* SPDX-License-Identifier: MIT */
/* The web configuration loads itself again when a file was replaced, by a clock that the tests set */
#include "web/web.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "tls_craft.h"
#include "unit.h"
#include "web/tls/tls.h"

#define SECOND UINT64_C(1000000000)
#define TLS    "tls_server_config:\n  cert_file: live.crt\n  key_file: live.key\n"
#define HEADER "http_server_config:\n  headers:\n    X-Frame-Options: deny\n"

static struct tls_craft_place *place;
static struct web web;
static uint64_t now_ns;

static void move(const char *from, const char *to)
{
	assert_int_equal(rename(tls_craft_path(place, from), tls_craft_path(place, to)), 0);
}

/* Pairs are renamed into place one after the other, as certbot does */
static void replace_pair(const struct tls_craft_identity *identity)
{
	tls_craft_write(place, "next", identity);
	move("next.crt", "live.crt");
	move("next.key", "live.key");
}

static void replace_file(const char *text)
{
	tls_craft_text(place, "next.yml", text);
	move("next.yml", "web.yml");
}

static const char *served(void)
{
	static struct tls_craft_result result;

	result = tls_craft_handshake(web.tls, &(struct tls_craft_client){ 0 });
	assert_int_equal(result.client, 0);
	return result.name;
}

static void look(void)
{
	now_ns += WEB_POLL_NS;
	web_run(&web, now_ns);
}

static int open_web(void **state)
{
	static char path[128];
	struct reason reason;

	place = *state;
	log_configure(LOG_ERROR, LOG_LOGFMT);
	replace_pair(&place->a);
	replace_file(TLS);
	(void)snprintf(path, sizeof(path), "%s", tls_craft_path(place, "web.yml"));
	if (web_read(&web, path, &reason) < 0 || web_open(&web, &reason) < 0)
		fail_msg("%s", reason.text);
	now_ns = SECOND;
	web_run(&web, now_ns); /* the first look */
	assert_string_equal(served(), "a");
	return 0;
}

static int close_web(void **state)
{
	(void)state;
	web_close(&web);
	(void)unlink(tls_craft_path(place, "web.yml"));
	(void)unlink(tls_craft_path(place, "live.crt"));
	(void)unlink(tls_craft_path(place, "live.key"));
	return 0;
}

static void test_replaced_certificate_is_served_after_the_second_look(void **state)
{
	(void)state;
	replace_pair(&place->b);
	web_run(&web, now_ns + WEB_POLL_NS - 1); /* too early to be a look */
	look();					 /* the key may still be to come */
	assert_string_equal(served(), "a");
	web_run(&web, now_ns + WEB_POLL_NS - 1);
	assert_string_equal(served(), "a");
	look();
	assert_string_equal(served(), "b");
	for (unsigned i = 0; i < 3; i++)
		look();
	assert_int_equal(web.reloads, 1);
	assert_int_equal(web.reload_failures, 0);
}

static void test_certificate_without_its_key_is_refused_once(void **state)
{
	(void)state;
	tls_craft_write(place, "next", &place->b);
	move("next.crt", "live.crt");
	for (unsigned i = 0; i < 4; i++)
		look();
	assert_string_equal(served(), "a");
	assert_int_equal(web.reload_failures, 1);
	move("next.key", "live.key");
	look();
	look();
	assert_string_equal(served(), "b");
	assert_int_equal(web.reloads, 1);
}

static void test_replaced_configuration_is_used_after_the_second_look(void **state)
{
	(void)state;
	replace_file(TLS HEADER "rate_limit:\n  interval: 1h\n  burst: 1\n");
	look();
	assert_false(web_limited(&web, now_ns));
	assert_false(web_limited(&web, now_ns));
	look();
	assert_false(web_limited(&web, now_ns));
	assert_true(web_limited(&web, now_ns));
	assert_int_equal(web.reloads, 1);
}

static void test_bad_configuration_is_refused_once(void **state)
{
	(void)state;
	replace_file("tls_server_config: []\n");
	for (unsigned i = 0; i < 4; i++)
		look();
	assert_string_equal(served(), "a");
	assert_int_equal(web.reload_failures, 1);
	assert_int_equal(web.reloads, 0);
}

static void test_nothing_is_looked_for_without_a_file(void **state)
{
	struct web none = { 0 };
	struct reason reason;

	(void)state;
	assert_int_equal(web_read(&none, NULL, &reason), 0);
	web_run(&none, SECOND);
	web_reload(&none);
	assert_int_equal(none.reloads + none.reload_failures, 0);
	web_close(&none);
}

#define WITH_WEB(test) cmocka_unit_test_setup_teardown(test, open_web, close_web)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_WEB(test_replaced_certificate_is_served_after_the_second_look),
		WITH_WEB(test_certificate_without_its_key_is_refused_once),
		WITH_WEB(test_replaced_configuration_is_used_after_the_second_look),
		WITH_WEB(test_bad_configuration_is_refused_once),
		cmocka_unit_test(test_nothing_is_looked_for_without_a_file),
	};

	return cmocka_run_group_tests(tests, tls_craft_setup, tls_craft_teardown);
}
