/* SPDX-License-Identifier: MIT */
/* What the exporter makes of the messages on its socket, and of those that are none */
#include "intake/ingest.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "record_craft.h"
#include "traffic/interfaces.h"
#include "traffic/traffic.h"
#include "unit.h"

#define SECOND UINT64_C(1000000000)

static struct interfaces interfaces = { .fd = -1 };
static struct traffic traffic;
static struct ingest ingest;
static struct batch batch; /* the next message */
static int capture;	   /* its end of the socket */

static int set_up(void **state)
{
	const struct traffic_options options = { .domains = 2,
						 .max_sessions = 64,
						 .max_series = 10,
						 .interfaces = &interfaces,
						 .key = { 1, 2 } };
	int pair[2];

	(void)state;
	/* as spawn.c makes it: a message is whole or not there */
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0 ||
	    traffic_open(&traffic, &options) < 0)
		return -1;
	capture = pair[0];
	memset(&ingest, 0, sizeof(ingest));
	ingest.fd = pair[1];
	ingest.domains = 2;
	ingest.traffic = &traffic;
	memset(&batch, 0, sizeof(batch));
	batch.header = (struct batch_header){ .magic = BATCH_MAGIC, .version = BATCH_VERSION };
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	traffic_close(&traffic);
	close(ingest.fd);
	if (capture >= 0)
		close(capture);
	return 0;
}

static void send_bytes(size_t bytes)
{
	assert_int_equal(send(capture, &batch, bytes, MSG_DONTWAIT), bytes);
	batch.header.sequence++;
}

static void send_hello(void)
{
	batch.header.type = BATCH_HELLO;
	batch.header.count = 0;
	batch.hello = (struct hello){ .ring_bytes = 1 << 20, .landlock_abi = 2, .sealed = 1 };
	send_bytes(sizeof(batch.header) + sizeof(batch.hello));
}

/* A message of @count queries, each of a client of its own */
static void send_queries(unsigned count)
{
	batch.header.type = BATCH_TRAFFIC;
	batch.header.count = (uint16_t)count;
	for (unsigned i = 0; i < count; i++) {
		char id[9];

		(void)snprintf(id, sizeof(id), "%u", (unsigned)batch.header.sequence * 1000 + i);
		batch.records[i] = record_query(id, i + 1);
	}
	batch.header.packets += count;
	send_bytes(sizeof(batch.header) + count * sizeof(struct record));
}

static const struct moment now = { 1000 * SECOND, 1000 * SECOND };

static uint64_t queries(void)
{
	return traffic.series.series[0].queries;
}

/* Read on, and be told nothing but @end */
static void assert_end(enum ingest_end end)
{
	const char *reason = NULL;
	int error = 0;

	assert_int_equal(ingest_read(&ingest, now, &reason, &error), end);
	assert_null(reason);
	assert_int_equal(error, 0);
}

static void assert_fault(const char *wanted)
{
	const char *reason = NULL;
	int error = 0;

	assert_int_equal(ingest_read(&ingest, now, &reason, &error), INGEST_FAULT);
	assert_string_equal(reason, wanted);
	assert_int_equal(error, 0);
}

static void test_nothing_to_read_is_no_end(void **state)
{
	(void)state;
	assert_end(INGEST_OPEN);
	assert_false(ingest.ready);
}

static void test_hello_makes_ready_and_is_kept(void **state)
{
	(void)state;
	send_hello();
	assert_end(INGEST_OPEN);
	assert_true(ingest.ready);
	assert_int_equal(ingest.hello.ring_bytes, 1 << 20);
	assert_int_equal(ingest.hello.landlock_abi, 2);
	assert_int_equal(ingest.hello.sealed, 1);
	assert_int_equal(ingest.state.sequence, 1);
}

static void test_records_are_counted_at_the_time_given(void **state)
{
	(void)state;
	send_hello();
	send_queries(3);
	send_queries(0); /* a sign of life */
	send_queries(BATCH_RECORDS);
	assert_end(INGEST_OPEN);
	assert_int_equal(queries(), 3 + BATCH_RECORDS);
	assert_int_equal(traffic.domain[0].last_query_ns, 1000 * SECOND);
	assert_int_equal(ingest.state.packets, 3 + BATCH_RECORDS);
}

static void test_scrapes_get_their_turn_after_32_messages(void **state)
{
	(void)state;
	send_hello();
	for (unsigned i = 0; i < 40; i++)
		send_queries(1);
	assert_end(INGEST_OPEN);
	assert_int_equal(queries(), 31);
	assert_end(INGEST_OPEN);
	assert_int_equal(queries(), 40);
}

static void test_failure_is_told_with_its_stage_and_error(void **state)
{
	const char *reason = NULL;
	int error = 0;

	(void)state;
	for (unsigned stage = 1; stage < FAILURE_STAGES; stage++) {
		batch.header.type = BATCH_FAILURE;
		batch.header.sequence = 0;
		batch.failure = (struct failure){ stage, EPERM };
		send_bytes(sizeof(batch.header) + sizeof(batch.failure));
		ingest.state = (struct batch_state){ 0 };
		reason = NULL;
		assert_int_equal(ingest_read(&ingest, now, &reason, &error), INGEST_FAILED);
		assert_int_equal(error, EPERM);
		assert_non_null(reason);
		assert_true(strlen(reason) > 10);
		/* Only where memory lacks does a smaller ring help */
		assert_null(strstr(reason, "ring-size"));
		batch.failure.error = ENOMEM;
		batch.header.sequence = 0;
		send_bytes(sizeof(batch.header) + sizeof(batch.failure));
		ingest.state = (struct batch_state){ 0 };
		assert_int_equal(ingest_read(&ingest, now, &reason, &error), INGEST_FAILED);
		assert_int_equal(strstr(reason, "ring-size") != NULL, stage == FAILURE_RING);
	}
	assert_false(ingest.ready);
}

/* As where it is not allowed to: then the kernel reports a reset before what it sent */
static void test_last_message_of_a_capture_that_read_nothing_is_read(void **state)
{
	const char *reason = NULL;
	int error = 0;

	(void)state;
	assert_int_equal(send(ingest.fd, "unread", 6, 0), 6);
	batch.header.type = BATCH_FAILURE;
	batch.failure = (struct failure){ FAILURE_CONFIG, ENOSYS };
	send_bytes(sizeof(batch.header) + sizeof(batch.failure));
	close(capture);
	capture = -1;
	assert_int_equal(ingest_read(&ingest, now, &reason, &error), INGEST_FAILED);
	assert_int_equal(error, ENOSYS);
}

static void test_end_of_capture_comes_after_its_last_message(void **state)
{
	(void)state;
	send_hello();
	send_queries(2);
	close(capture);
	capture = -1;
	assert_end(INGEST_CLOSED);
	assert_int_equal(queries(), 2);
}

static void test_empty_message_is_an_end(void **state)
{
	(void)state;
	send_hello();
	assert_int_equal(send(capture, &batch, 0, MSG_DONTWAIT), 0);
	send_queries(1);
	assert_end(INGEST_CLOSED);
	assert_int_equal(queries(), 0);
}

static void test_nothing_of_a_message_with_a_fault_is_counted(void **state)
{
	(void)state;
	send_hello();
	send_queries(2);
	batch.header.type = BATCH_TRAFFIC;
	batch.header.count = 2;
	batch.records[0] = record_query("alice", 1);
	batch.records[1] = record_query("bob", 1);
	batch.records[1].domain = 2;
	send_bytes(sizeof(batch.header) + 2 * sizeof(struct record));
	send_queries(1);
	assert_fault("domain of a record does not fit its verdict");
	assert_int_equal(queries(), 2);
}

static void test_records_before_the_hello_are_a_fault(void **state)
{
	(void)state;
	send_queries(1);
	assert_fault("message is not due in this state");
	assert_int_equal(queries(), 0);
	assert_false(ingest.ready);
}

static void test_message_that_is_too_long_is_a_fault(void **state)
{
	static uint8_t longer[sizeof(struct batch) + 1];

	(void)state;
	send_hello();
	assert_end(INGEST_OPEN);
	batch.header.type = BATCH_TRAFFIC;
	batch.header.count = BATCH_RECORDS;
	memcpy(longer, &batch, sizeof(batch));
	assert_int_equal(send(capture, longer, sizeof(longer), MSG_DONTWAIT), sizeof(longer));
	assert_fault("message is longer than any may be");
	assert_int_equal(queries(), 0);
}

static unsigned open_descriptors(void)
{
	unsigned count = 0;

	for (int fd = 0; fd < 256; fd++)
		count += fcntl(fd, F_GETFD) >= 0;
	return count;
}

static void test_descriptor_is_a_fault_and_not_received(void **state)
{
	union {
		struct cmsghdr header;
		uint8_t bytes[CMSG_SPACE(sizeof(int))];
	} control = { .header = { .cmsg_len = CMSG_LEN(sizeof(int)),
				  .cmsg_level = SOL_SOCKET,
				  .cmsg_type = SCM_RIGHTS } };
	struct iovec iov = { .iov_base = &batch,
			     .iov_len = sizeof(batch.header) + sizeof(batch.hello) };
	struct msghdr message = { .msg_iov = &iov,
				  .msg_iovlen = 1,
				  .msg_control = &control,
				  .msg_controllen = sizeof(control) };
	unsigned before = open_descriptors();

	(void)state;
	batch.header.type = BATCH_HELLO;
	memcpy(CMSG_DATA(&control.header), &capture, sizeof(int));
	assert_int_equal(sendmsg(capture, &message, MSG_DONTWAIT), iov.iov_len);
	assert_fault("message has a descriptor attached");
	assert_int_equal(open_descriptors(), before);
	assert_false(ingest.ready);
}

#define WITH_SOCKET(test_) cmocka_unit_test_setup_teardown(test_, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_SOCKET(test_nothing_to_read_is_no_end),
		WITH_SOCKET(test_hello_makes_ready_and_is_kept),
		WITH_SOCKET(test_records_are_counted_at_the_time_given),
		WITH_SOCKET(test_scrapes_get_their_turn_after_32_messages),
		WITH_SOCKET(test_failure_is_told_with_its_stage_and_error),
		WITH_SOCKET(test_last_message_of_a_capture_that_read_nothing_is_read),
		WITH_SOCKET(test_end_of_capture_comes_after_its_last_message),
		WITH_SOCKET(test_empty_message_is_an_end),
		WITH_SOCKET(test_nothing_of_a_message_with_a_fault_is_counted),
		WITH_SOCKET(test_records_before_the_hello_are_a_fault),
		WITH_SOCKET(test_message_that_is_too_long_is_a_fault),
		WITH_SOCKET(test_descriptor_is_a_fault_and_not_received),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
