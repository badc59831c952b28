/* SPDX-License-Identifier: MIT */
/*
 * Reads and writes outside of its memory: one defect for each command, which is named after the
 * finding of the guarded allocator. Without that allocator, nobody notices any of them.
 */
#include "tests/packages/package.h"

enum { TICKET_SIZE = 32, LABEL_SIZE = 24 };

static NOINLINE PVOID create_ticket_section(void)
{
	return lsa->CreateSharedMemory(65536, 4096);
}

static NOINLINE char *allocate_ticket(PVOID section)
{
	return lsa->AllocateSharedMemory(section, TICKET_SIZE);
}

/* Its size is not a multiple of the alignment. */
static NOINLINE char *allocate_label(PVOID section)
{
	return lsa->AllocateSharedMemory(section, LABEL_SIZE);
}

static NOINLINE void free_block(PVOID section, PVOID block)
{
	lsa->FreeSharedMemory(section, block);
}

static NOINLINE void delete_section(PVOID section)
{
	lsa->DeleteSharedMemory(section);
}

/* Defect: the end of the text lies past the block. */
static NOINLINE void terminate_ticket(volatile char *ticket, int length)
{
	ticket[length] = '\0';
}

/* Defect: the length lies before the block. */
static NOINLINE void write_length(volatile char *block)
{
	block[-1] = 7;
}

static NOINLINE char read_ticket(const volatile char *ticket)
{
	return ticket[3];
}

/* As a package does that clears the first bytes of an expired ticket. */
static NOINLINE void expire_ticket(volatile char *ticket)
{
	ticket[0] = '\0';
}

static void overflow(PVOID section)
{
	char *before = allocate_ticket(section), *ticket = allocate_ticket(section);
	char *after = allocate_label(section);

	terminate_ticket(ticket, TICKET_SIZE);
	free_block(section, after);
	free_block(section, ticket);
	free_block(section, before);
}

static void underflow(PVOID section)
{
	char *ticket = allocate_ticket(section);

	write_length(ticket);
	free_block(section, ticket);
}

/* Defect: the ticket is read after it was freed. */
static void use_after_free(PVOID section)
{
	char *ticket = allocate_ticket(section);

	free_block(section, ticket);
	read_ticket(ticket);
}

/* Defect: the section was deleted before. */
static void use_after_delete(void)
{
	PVOID section = create_ticket_section();
	char *ticket = allocate_ticket(section);

	delete_section(section);
	expire_ticket(ticket);
}

/* Defect: one byte past the end of the label, which only its canary shows. */
static char *spoiled_label(PVOID section)
{
	char *label = allocate_label(section);

	terminate_ticket(label, LABEL_SIZE);
	return label;
}

static void spoil(PVOID section, const char *command)
{
	char *label = spoiled_label(section);

	if (strstr(command, "at-end")) {
		fflush(stdout);
		_Exit(0);
	}
	if (!strstr(command, "at-delete"))
		free_block(section, label);
}

static void run(PLSA_CLIENT_REQUEST client, const char *command)
{
	PVOID section = create_ticket_section();

	(void)client;
	if (strncmp(command, "overflow", 8) == 0)
		overflow(section);
	else if (strncmp(command, "underflow", 9) == 0)
		underflow(section);
	else if (strncmp(command, "use-after-free", 14) == 0)
		use_after_free(section);
	else if (strncmp(command, "use-after-delete", 16) == 0)
		use_after_delete();
	else if (strncmp(command, "spoil", 5) == 0)
		spoil(section, command);
	delete_section(section);
}

PACKAGE("guarded", run)
