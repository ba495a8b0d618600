/* SPDX-License-Identifier: MIT */
/* Reading what capture sends, and distrusting it */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "common/record_check.h"

struct traffic;

struct ingest {
	int fd;
	unsigned domains;
	struct traffic *traffic;
	struct batch_state state;
	bool ready; /* the hello came */
	struct hello hello;
	struct batch batch; /* as received, and until it is checked hostile */
};

/* What ended the conversation */
enum ingest_end {
	INGEST_OPEN,   /* nothing did */
	INGEST_CLOSED, /* capture ended */
	INGEST_FAILED, /* capture said why it could not start, or go on */
	INGEST_FAULT,  /* capture broke the rules */
};

/**
 * ingest_read() - Take in what has arrived, some messages at most
 * @ret_reason:	Set to a static text with INGEST_FAILED and INGEST_FAULT
 * @ret_error:	errno of capture with INGEST_FAILED
 *
 * System calls: recvmsg.
 */
enum ingest_end ingest_read(struct ingest *ingest, struct moment now, const char **ret_reason,
			    int *ret_error);
