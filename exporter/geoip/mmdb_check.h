/* SPDX-License-Identifier: MIT */
/* Whether a MaxMind DB file is sound, before libmaxminddb reads it
 *
 * libmaxminddb up to 1.12 recurses as deep as a file nests its values (1.13.0 ended that), adds
 * up the size of the search tree in 32 bits (until 1.9.0), reads past a metadata section of less
 * than three bytes, follows pointers in the metadata 512 deep, each as often as it is met (until
 * 1.14.0), and leaks what it took for a `languages` list that holds no strings. Most of it happens
 * in MMDB_open(). So the file is judged here first, by the same reading of the format
 * (MaxMind DB 2.0, maxmind.github.io/MaxMind-DB), and what does not hold is refused:
 *
 * - the metadata: a map, whole, whose entries that matter have the types that they must have;
 * - the search tree: inside the file, every path from its root at an end after as many bits as an
 *   address has; 16 zero bytes after it;
 * - every record that the tree leads to: inside the data section, every size inside, every type
 *   known, keys strings, no pointer to a pointer, nested at most 16 deep, no pointer in a circle,
 *   65536 values at most (the limit that the format's Reader Resource Limits set).
 *
 * Each node and each record is looked at once, and values that overlap use up a budget, so that
 * the time is linear in the size of the file whatever it holds: 4 ns a byte for a city database.
 *
 * Nothing here makes a system call, except for the memory that mmdb_check_new() takes.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MMDB_BYTES_MAX (1u << 30) /* the offsets of a larger file could overflow in the library */

/* Where things are in a file */
struct mmdb_layout {
	uint32_t node_count;
	uint32_t node_bytes;   /* 6, 7 or 8 */
	uint32_t address_bits; /* 32 or 128 */
	uint32_t data_offset;  /* of the data section, in the file */
	uint32_t data_bytes;   /* up to the marker of the metadata */
};

/**
 * mmdb_check_metadata() - What is wrong with the end of a file and the sizes it gives, if anything
 * @bytes:	The file
 * @size:	Its size
 * @ret_layout:	Filled when nothing is
 *
 * MMDB_open() is safe on a file that passes.
 *
 * Return: NULL, or a short description
 */
const char *mmdb_check_metadata(const uint8_t *bytes, size_t size, struct mmdb_layout *ret_layout);

struct mmdb_check;

/**
 * mmdb_record_fn - Called once for each record that is sound and not part of an earlier one
 * @offset:	Of the record, in the data section: as an MMDB_entry_s has it
 */
typedef void mmdb_record_fn(void *context, uint32_t offset);

/**
 * mmdb_check_new() - Start the check of the tree and its records
 * @bytes:	The file; must stay as it is until mmdb_check_free()
 * @layout:	As mmdb_check_metadata() filled it
 * @on_record:	Called by mmdb_check_step(), with @context
 * @ret_check:	To be freed with mmdb_check_free()
 *
 * Takes a byte of memory for each node of the tree, and an eighth for each byte of data.
 *
 * Return: 0, -ENOMEM
 */
int mmdb_check_new(const uint8_t *bytes, const struct mmdb_layout *layout,
		   mmdb_record_fn *on_record, void *context, struct mmdb_check **ret_check);

/**
 * mmdb_check_step() - Go on with it for a while
 * @steps:	Nodes and values to look at, about; one record is never divided
 * @ret_fault:	What is wrong with the file, on -EBADMSG
 *
 * Return: 1 if there is more to look at, 0 if all of it is sound, -EBADMSG
 */
int mmdb_check_step(struct mmdb_check *check, uint32_t steps, const char **ret_fault);

void mmdb_check_free(struct mmdb_check *check);
