/* SPDX-License-Identifier: MIT */
/* Log lines: whole, on one line, and readable by whoever collects them */
#include "base/log.h"

#include <errno.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "unit.h"

#define LINE_MAX_BYTES 1040

static char output[16384];
static int saved, file;

/* Standard error is a file from here ... */
static void catch (void)
{
	file = memfd_create("log", MFD_CLOEXEC);
	saved = dup(STDERR_FILENO);
	assert_true(file >= 0 && saved >= 0);
	assert_int_equal(dup2(file, STDERR_FILENO), STDERR_FILENO);
}

/* ... to here; what was written is in output */
static const char *caught(void)
{
	ssize_t bytes = pread(file, output, sizeof(output) - 1, 0);

	assert_int_equal(dup2(saved, STDERR_FILENO), STDERR_FILENO);
	close(saved);
	close(file);
	assert_true(bytes >= 0);
	output[bytes] = '\0';
	return output;
}

/* What a line says behind its time, which is checked and left out */
static const char *without_time(const char *line, const char *before, const char *after)
{
	static const char shape[] = "0000-00-00T00:00:00.000Z";

	assert_memory_equal(line, before, strlen(before));
	line += strlen(before);
	for (size_t i = 0; i < sizeof(shape) - 1; i++) {
		if (shape[i] == '0')
			assert_in_range(line[i], '0', '9');
		else
			assert_int_equal(line[i], shape[i]);
	}
	line += sizeof(shape) - 1;
	assert_memory_equal(line, after, strlen(after));
	return line + strlen(after);
}

static void test_logfmt_is_a_row_of_pairs(void **state)
{
	(void)state;
	log_configure(LOG_INFO, LOG_LOGFMT);
	catch ();
	log_line(LOG_WARN, "two words", LOG_TEXT("text", "word"), LOG_NUMBER("number", -5),
		 LOG_TEXT("empty", ""), LOG_TEXT("pair", "a=b"), LOG_TEXT("path", "/a/b:1"));
	assert_string_equal(
		without_time(caught(), "time=", " "),
		"level=warn msg=\"two words\" text=word number=-5 empty=\"\" pair=\"a=b\" "
		"path=/a/b:1\n");
	catch ();
	log_fields(LOG_ERROR, "alone", NULL);
	assert_string_equal(without_time(caught(), "time=", " "), "level=error msg=alone\n");
	catch ();
	log_fields(LOG_INFO, "none", NULL);
	assert_string_equal(without_time(caught(), "time=", " "), "level=info msg=none\n");
}

static void test_json_is_an_object(void **state)
{
	(void)state;
	log_configure(LOG_INFO, LOG_JSON);
	catch ();
	log_line(LOG_INFO, "two words", LOG_TEXT("text", "word"), LOG_NUMBER("number", INT64_MIN));
	assert_string_equal(
		without_time(caught(), "{\"time\":\"", "\""),
		",\"level\":\"info\",\"msg\":\"two words\",\"text\":\"word\",\"number\":"
		"\"-9223372036854775808\"}\n");
}

static void test_less_important_lines_are_left_out(void **state)
{
	(void)state;
	for (unsigned lowest = LOG_DEBUG; lowest <= LOG_ERROR; lowest++) {
		for (unsigned level = LOG_DEBUG; level <= LOG_ERROR; level++) {
			log_configure((enum log_level)lowest, LOG_LOGFMT);
			catch ();
			log_fields((enum log_level)level, "x", NULL);
			assert_int_equal(strlen(caught()) > 0, level >= lowest);
		}
	}
}

static void test_text_from_outside_stays_in_its_quotes(void **state)
{
	static const char *const texts[][2] = {
		{ "a\nlevel=error", "\"a\\u000alevel=error\"" },
		{ "say \"x\"", "\"say \\\"x\\\"\"" },
		{ "back\\slash", "\"back\\\\slash\"" },
		{ "\x1b[31m", "\"\\u001b[31m\"" },
		{ "\x7f", "\"\\u007f\"" },
		{ "\xff\xc3\xa9", "\"\\u00ff\\u00c3\\u00a9\"" },
		{ "tab\tcr\r", "\"tab\\u0009cr\\u000d\"" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(texts); i++) {
		char wanted[128];

		log_configure(LOG_INFO, LOG_LOGFMT);
		catch ();
		log_line(LOG_INFO, "x", LOG_TEXT("t", texts[i][0]));
		(void)snprintf(wanted, sizeof(wanted), "level=info msg=x t=%s\n", texts[i][1]);
		assert_string_equal(without_time(caught(), "time=", " "), wanted);
		log_configure(LOG_INFO, LOG_JSON);
		catch ();
		log_line(LOG_INFO, "x", LOG_TEXT("t", texts[i][0]));
		(void)snprintf(wanted, sizeof(wanted),
			       ",\"level\":\"info\",\"msg\":\"x\",\"t\":%s}\n", texts[i][1]);
		assert_string_equal(without_time(caught(), "{\"time\":\"", "\""), wanted);
	}
}

/* An object of strings, as far as quotes, colons, commas and escapes go */
static void assert_json(const char *line)
{
	bool key = true;

	assert_int_equal(*line++, '{');
	for (;;) {
		assert_int_equal(*line++, '"');
		while (*line != '"') {
			assert_in_range(*line, ' ', '~');
			line += *line == '\\' ? (line[1] == 'u' ? 6 : 2) : 1;
		}
		line++;
		if (!key && *line == '}')
			break;
		assert_int_equal(*line++, key ? ':' : ',');
		key = !key;
	}
	assert_string_equal(line, "}\n");
}

static void test_long_line_is_cut_and_stays_a_line(void **state)
{
	static char text[3000];

	(void)state;
	for (unsigned odd = 0; odd < 3; odd++) {
		memset(text, odd == 0 ? 'x' : odd == 1 ? '"' : '\n', sizeof(text) - 1);
		for (size_t bytes = 100; bytes < sizeof(text); bytes += bytes < 1100 ? 1 : 500) {
			const char *start = text + sizeof(text) - 1 - bytes, *line;

			log_configure(LOG_INFO, LOG_LOGFMT);
			catch ();
			log_line(LOG_INFO, "x", LOG_TEXT("t", start));
			line = caught();
			assert_true(strlen(line) <= LINE_MAX_BYTES);
			assert_ptr_equal(strchr(line, '\n'), line + strlen(line) - 1);
			log_configure(LOG_INFO, LOG_JSON);
			catch ();
			log_line(LOG_INFO, "x", LOG_TEXT("t", start));
			line = caught();
			assert_true(strlen(line) <= LINE_MAX_BYTES);
			assert_json(line);
			/* What has no room any more is left out whole */
			catch ();
			log_line(LOG_INFO, "x", LOG_TEXT("t", start), LOG_TEXT("more", "of it"),
				 LOG_NUMBER("number", 1));
			line = caught();
			assert_true(strlen(line) <= LINE_MAX_BYTES);
			assert_json(line);
		}
	}
}

static void test_nothing_waits_for_a_log(void **state)
{
	int end = dup(STDERR_FILENO), full[2];

	(void)state;
	log_configure(LOG_INFO, LOG_LOGFMT);
	assert_int_equal(pipe(full), 0);
	close(full[0]);
	close(STDERR_FILENO);
	log_fields(LOG_ERROR, "nobody hears this", NULL); /* EBADF */
	assert_int_equal(dup2(end, STDERR_FILENO), STDERR_FILENO);
	close(end);
	close(full[1]);
}

static void test_levels_and_formats_have_names(void **state)
{
	enum log_format format = LOG_LOGFMT;
	enum log_level level = LOG_INFO;

	(void)state;
	assert_int_equal(log_level_from("debug", &level), 0);
	assert_int_equal(level, LOG_DEBUG);
	assert_int_equal(log_level_from("error", &level), 0);
	assert_int_equal(level, LOG_ERROR);
	assert_int_equal(log_level_from("warn", &level), 0);
	assert_int_equal(level, LOG_WARN);
	assert_int_equal(log_level_from("info", &level), 0);
	assert_int_equal(level, LOG_INFO);
	assert_int_equal(log_level_from("warning", &level), -EINVAL);
	assert_int_equal(log_level_from("INFO", &level), -EINVAL);
	assert_int_equal(log_level_from("", &level), -EINVAL);
	assert_int_equal(level, LOG_INFO);
	assert_int_equal(log_format_from("json", &format), 0);
	assert_int_equal(format, LOG_JSON);
	assert_int_equal(log_format_from("logfmt", &format), 0);
	assert_int_equal(format, LOG_LOGFMT);
	assert_int_equal(log_format_from("text", &format), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_logfmt_is_a_row_of_pairs),
		cmocka_unit_test(test_json_is_an_object),
		cmocka_unit_test(test_less_important_lines_are_left_out),
		cmocka_unit_test(test_text_from_outside_stays_in_its_quotes),
		cmocka_unit_test(test_long_line_is_cut_and_stays_a_line),
		cmocka_unit_test(test_nothing_waits_for_a_log),
		cmocka_unit_test(test_levels_and_formats_have_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
