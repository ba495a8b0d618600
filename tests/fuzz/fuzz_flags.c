/* SPDX-License-Identifier: MIT */
/* Fuzz target: any lines as a command line, one argument each
 *
 * What is taken must be a configuration that capture takes too; what is refused must be told why.
 */
#include <stdlib.h>
#include <string.h>

#include "cli/options.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

#define ARGUMENTS 80
#define BYTES_MAX 8192

static void must(bool holds)
{
	if (!holds)
		abort();
}

static void check(const struct options *options)
{
	must(options->capture.tunnel_count > 0 && !config_fault(&options->capture));
	for (unsigned i = 0; i < options->capture.tunnel_count; i++) {
		const char *name = options->domains[i];

		must(name[0] != '\0' && memchr(name, '\0', WIRES_NAME_BYTES));
		/* It becomes a label's value, which is not escaped */
		must(strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-_.") == strlen(name));
	}
	must(options->address_count >= 1 && options->address_count <= OPTIONS_ADDRESSES);
	for (unsigned i = 0; i < options->address_count; i++)
		must(options->addresses[i].socket.ss_family != 0 && options->addresses[i].text);
	must(options->max_series >= options->capture.tunnel_count && options->max_sessions > 0);
	must(options->telemetry_path[0] == '/');
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	static struct options options;
	static char text[BYTES_MAX + 1];
	char program[] = "dnstt_exporter", *argv[ARGUMENTS + 2] = { program }, *rest = text;
	struct reason reason;
	int argc = 1, result;

	if (size > BYTES_MAX || memchr(bytes, '\0', size))
		return -1;
	if (size > 0)
		memcpy(text, bytes, size);
	text[size] = '\0';
	while (size > 0 && rest && argc <= ARGUMENTS)
		argv[argc++] = strsep(&rest, "\n");
	memset(reason.text, 0x5a, sizeof(reason.text));
	result = options_parse(argc, argv, &options, &reason);
	if (result < 0)
		must(memchr(reason.text, '\0', sizeof(reason.text)) && reason.text[0] != '\0' &&
		     !strchr(reason.text, '\n'));
	else if (result == 0 && !options.version)
		check(&options);
	return 0;
}
