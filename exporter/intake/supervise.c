/* SPDX-License-Identifier: MIT */
/* Capture while it runs: what it sends, how it ended, and its end with this process */
#include "intake/supervise.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"

#define HELLO_NS  (UINT64_C(10) * 1000000000)
#define SILENT_NS (UINT64_C(10) * 1000000000) /* capture says something each second */

/* After the end of the conversation */
static void say_how_it_ended(const struct capture_process *process)
{
	siginfo_t how;

	if (!spawn_has_ended(process, &how)) {
		log_fields(LOG_ERROR, "capture closed its socket without ending, and was killed",
			   NULL);
		spawn_kill(process);
		return;
	}
	if (how.si_pid == 0)
		log_line(LOG_ERROR, "capture ended, and waitid does not say how",
			 LOG_TEXT("error", strerror(errno)));
	else if (how.si_code == CLD_EXITED && how.si_status > FAILURE_UNSENT)
		log_line(LOG_ERROR, "capture ended, as it could not send (sendto)",
			 LOG_TEXT("error", strerror(how.si_status - FAILURE_UNSENT)));
	else if (how.si_code == CLD_EXITED)
		log_line(LOG_ERROR, "capture ended", LOG_NUMBER("status", how.si_status));
	else if (how.si_status == SIGSYS)
		log_line(LOG_ERROR, "capture was killed for a forbidden system call",
			 LOG_TEXT("signal", "SYS"));
	else
		log_line(LOG_ERROR, "capture was killed",
			 LOG_TEXT("signal", sigabbrev_np(how.si_status)));
}

static void log_hello(const struct hello *hello)
{
	log_line(LOG_INFO, "capture is confined and running",
		 LOG_NUMBER("ring_bytes", hello->ring_bytes),
		 LOG_NUMBER("landlock_abi", hello->landlock_abi),
		 LOG_TEXT("ring_sealed", hello->sealed ? "yes" : "no"),
		 LOG_TEXT("super_packets", hello->cuts ? "yes" : "no"));
	if (!hello->cuts)
		log_fields(LOG_WARN,
			   "this kernel does not tell how UDP offload joins datagrams (Linux 6.4 "
			   "does); those that it joins count as one malformed message",
			   NULL);
	if (hello->landlock_abi == 0)
		log_fields(LOG_WARN, "Landlock is not available; seccomp alone confines capture",
			   NULL);
}

void supervise_begin(struct supervise *supervise, unsigned domains, struct traffic *traffic,
		     uint64_t now_ns)
{
	supervise->ingest.fd = supervise->process.ipc;
	supervise->ingest.domains = domains;
	supervise->ingest.traffic = traffic;
	supervise->hello_due_ns = now_ns + HELLO_NS;
}

void supervise_read(struct supervise *supervise, struct moment now)
{
	struct ingest *ingest = &supervise->ingest;
	bool was_ready = ingest->ready;
	const char *reason = NULL;
	enum ingest_end end;
	int error = 0;

	supervise->sent_ns = now.monotonic_ns;
	end = ingest_read(ingest, now, &reason, &error);
	switch (end) {
	case INGEST_OPEN:
		if (supervise->is_silent)
			log_fields(LOG_INFO, "capture sends again", NULL);
		supervise->is_silent = false;
		break;
	case INGEST_CLOSED: say_how_it_ended(&supervise->process); break;
	case INGEST_FAILED:
		log_line(LOG_ERROR,
			 ingest->ready ? "capture could not go on" : "capture could not start",
			 LOG_TEXT("step", reason), LOG_TEXT("error", strerror(error)));
		spawn_kill(&supervise->process);
		break;
	case INGEST_FAULT:
		log_line(LOG_ERROR, "capture sent an invalid message and was killed",
			 LOG_TEXT("reason", reason));
		spawn_kill(&supervise->process);
		break;
	}
	supervise->is_over = end != INGEST_OPEN;
	if (!was_ready && ingest->ready)
		log_hello(&ingest->hello);
}

/* If this process was stopped for a while, something may be waiting to be read */
static bool has_more(const struct supervise *supervise)
{
	struct pollfd said = { .fd = supervise->process.ipc, .events = POLLIN };

	return poll(&said, 1, 0) > 0;
}

void supervise_check(struct supervise *supervise, uint64_t now_ns)
{
	const bool ready = supervise->ingest.ready;

	if (supervise->is_over || supervise->is_silent || supervise_is_live(supervise, now_ns) ||
	    (!ready && now_ns <= supervise->hello_due_ns) || has_more(supervise))
		return;
	if (ready) {
		log_fields(LOG_WARN,
			   "capture has sent nothing for 10 seconds; it should send every second",
			   NULL);
		supervise->is_silent = true;
		return;
	}
	log_fields(LOG_ERROR, "capture did not start within 10 seconds", NULL);
	spawn_kill(&supervise->process);
	supervise->is_over = true;
}

bool supervise_is_live(const struct supervise *supervise, uint64_t now_ns)
{
	return supervise->ingest.ready && now_ns - supervise->sent_ns < SILENT_NS;
}

void supervise_end(const struct supervise *supervise)
{
	siginfo_t how;

	/* It ends by itself when the socketpair is closed, unless something holds it */
	close(supervise->process.ipc);
	if (!spawn_has_ended(&supervise->process, &how))
		spawn_kill(&supervise->process);
}
