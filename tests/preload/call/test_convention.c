/* SPDX-License-Identifier: MIT */
/*
 * Functions that packages and hosts call, and functions of theirs, in both calling conventions and in one
 * process. The caller and what is called are of assembler: they pass 16 arguments whatever the prototype,
 * and change each register that they may.
 */
#include <stdio.h>
#include <string.h>

#include <criterion/criterion.h>

#include "include/kinds.h"
#include "include/secpkg.h"
#include "preload/call/convention.h"
#include "preload/call/fail.h"
#include "preload/call/originals.h"
#include "preload/call/shims.h"
#include "preload/file/trace.h"
#include "preload/guardpage/copy_out.h"
#include "preload/guardpage/functions.h"
#include "preload/guardpage/guarded.h"
#include "preload/package/lsa_ap.h"
#include "preload/package/lsa_mode.h"
#include "preload/package/own_tables.h"
#include "preload/package/packages.h"
#include "preload/package/table.h"
#include "preload/package/wrapped.h"
#include "preload/sharedmem/functions.h"
#include "tests/support/preload_fixture.h"
#include "tests/support/run.h"

enum { ARGUMENTS = 16, REGISTERS = 7, VECTORS = 10 };

/* A call, and what it does to the registers that it must keep: rbx, r12 to r15, and with Microsoft's
 * convention rsi, rdi, and xmm6 to xmm15. */
struct crossing {
	const void *function;
	uint64_t argument[ARGUMENTS];
	uint64_t result;
	uint64_t kept[REGISTERS];
	uint64_t vector[VECTORS][2];
};

_Static_assert(offsetof(struct crossing, result) == 136, "as in the assembler");
_Static_assert(offsetof(struct crossing, kept) == 144, "as in the assembler");
_Static_assert(offsetof(struct crossing, vector) == 200, "as in the assembler");

void cross_sysv(struct crossing *c);
void cross_ms(struct crossing *c);
extern const char any_sysv[], any_ms[]; /* functions with any prototype */

/* What was called last has seen, and what it shall return. */
uint64_t seen[ARGUMENTS], answer;
uint32_t calls_seen, convention_seen;

__asm__(".text\n"
	/* rdi: a struct crossing, which stays at -48(%rbp). The arguments are copied onto the stack,
	 * and the registers are loaded with what they must keep. */
	".macro cross_begin name, bytes, skip\n"
	"\\name:\n"
	"	.cfi_startproc\n"
	"	pushq %rbp\n"
	"	.cfi_def_cfa_offset 16\n"
	"	.cfi_offset %rbp, -16\n"
	"	movq %rsp, %rbp\n"
	"	.cfi_def_cfa_register %rbp\n"
	"	.irp register, %rbx, %r12, %r13, %r14, %r15, %rdi\n"
	"	pushq \\register\n"
	"	.endr\n"
	"	subq $\\bytes, %rsp\n"
	"	movq %rdi, %rax\n"
	"	leaq 8 + \\skip(%rax), %rsi\n"
	"	movq %rsp, %rdi\n"
	"	movl $\\bytes / 8, %ecx\n"
	"	rep movsq\n"
	"	movq 144(%rax), %rbx\n"
	"	movq 152(%rax), %r12\n"
	"	movq 160(%rax), %r13\n"
	"	movq 168(%rax), %r14\n"
	"	movq 176(%rax), %r15\n"
	"	movq (%rax), %r11\n"
	".endm\n"
	".macro cross_end\n"
	"	movq -48(%rbp), %r11\n"
	"	movq %rax, 136(%r11)\n"
	"	movq %rbx, 144(%r11)\n"
	"	movq %r12, 152(%r11)\n"
	"	movq %r13, 160(%r11)\n"
	"	movq %r14, 168(%r11)\n"
	"	movq %r15, 176(%r11)\n"
	".endm\n"
	".macro cross_return\n"
	"	leaq -40(%rbp), %rsp\n"
	"	.irp register, %r15, %r14, %r13, %r12, %rbx, %rbp\n"
	"	popq \\register\n"
	"	.endr\n"
	"	.cfi_def_cfa %rsp, 8\n"
	"	ret\n"
	"	.cfi_endproc\n"
	".endm\n"
	".macro vectors do\n"
	"	.irp n, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15\n"
	"	\\do \\n\n"
	"	.endr\n"
	".endm\n"
	".macro load_vector n\n"
	"	movups 200 + (\\n - 6) * 16(%rax), %xmm\\n\n"
	".endm\n"
	".macro store_vector n\n"
	"	movups %xmm\\n, 200 + (\\n - 6) * 16(%r11)\n"
	".endm\n"
	".macro spoil registers:vararg\n"
	"	.irp register, \\registers\n"
	"	movq $-1, \\register\n"
	"	.endr\n"
	".endm\n"
	".macro spoil_vectors numbers:vararg\n"
	"	.irp n, \\numbers\n"
	"	pcmpeqd %xmm\\n, %xmm\\n\n"
	"	.endr\n"
	".endm\n"

	"cross_begin cross_sysv, 80, 48\n"
	"	movq 8(%rax), %rdi\n"
	"	movq 16(%rax), %rsi\n"
	"	movq 24(%rax), %rdx\n"
	"	movq 32(%rax), %rcx\n"
	"	movq 40(%rax), %r8\n"
	"	movq 48(%rax), %r9\n"
	"	call *%r11\n"
	"cross_end\n"
	"cross_return\n"

	/* The first four arguments have a place on the stack as well, which is the callee's. */
	"cross_begin cross_ms, 128, 0\n"
	"	movq 184(%rax), %rsi\n"
	"	movq 192(%rax), %rdi\n"
	"	vectors load_vector\n"
	"	movq (%rsp), %rcx\n"
	"	movq 8(%rsp), %rdx\n"
	"	movq 16(%rsp), %r8\n"
	"	movq 24(%rsp), %r9\n"
	"	call *%r11\n"
	"cross_end\n"
	"	movq %rsi, 184(%r11)\n"
	"	movq %rdi, 192(%r11)\n"
	"	vectors store_vector\n"
	"cross_return\n"

	".macro see registers:vararg\n"
	"	leaq seen(%rip), %rax\n"
	"	.set offset, 0\n"
	"	.irp register, \\registers\n"
	"	movq \\register, offset(%rax)\n"
	"	.set offset, offset + 8\n"
	"	.endr\n"
	".endm\n"
	".macro see_stack first, from\n"
	"	.set offset, 0\n"
	"	.rept 16 - \\first\n"
	"	movq \\from + offset(%rsp), %r10\n"
	"	movq %r10, \\first * 8 + offset(%rax)\n"
	"	.set offset, offset + 8\n"
	"	.endr\n"
	"	incl calls_seen(%rip)\n"
	".endm\n"

	"any_sysv:\n"
	"	movl $0, convention_seen(%rip)\n"
	"	see %rdi, %rsi, %rdx, %rcx, %r8, %r9\n"
	"	see_stack 6, 8\n"
	"	spoil %rdi, %rsi, %rdx, %rcx, %r8, %r9, %r10, %r11\n"
	"	spoil_vectors 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15\n"
	"	movq answer(%rip), %rax\n"
	"	ret\n"

	"any_ms:\n"
	"	movl $1, convention_seen(%rip)\n"
	"	see %rcx, %rdx, %r8, %r9\n"
	"	see_stack 4, 40\n"
	"	spoil 8(%rsp), 16(%rsp), 24(%rsp), 32(%rsp)\n"
	"	spoil %rdx, %rcx, %r8, %r9, %r10, %r11\n"
	"	spoil_vectors 0, 1, 2, 3, 4, 5\n"
	"	movq answer(%rip), %rax\n"
	"	ret\n");

static void *const any[CONVENTION_COUNT] = { (void *)any_sysv, (void *)any_ms };
static const char *const convention_name[CONVENTION_COUNT] = { "System V", "Microsoft" };

/* What arguments point to: zeroes. The lowest byte, too, says which argument it is. */
enum { CELL_BYTES = 0x808 };
static char cells[ARGUMENTS * CELL_BYTES] __attribute__((aligned(4096)));

static uint64_t cell(unsigned i)
{
	return (uint64_t)(uintptr_t)&cells[i * CELL_BYTES];
}

static struct crossing cross(enum convention convention, const void *function)
{
	struct crossing c = { .function = function };

	for (unsigned i = 0; i < ARGUMENTS; i++)
		c.argument[i] = cell(i);
	for (unsigned i = 0; i < REGISTERS; i++)
		c.kept[i] = 0x1111111111111111 * (i + 1);
	for (unsigned i = 0; i < VECTORS; i++)
		c.vector[i][0] = c.vector[i][1] = 0x0101010101010101 * (i + 1);
	memset(seen, 0xee, sizeof(seen));
	calls_seen = 0;
	if (convention == CONVENTION_MS)
		cross_ms(&c);
	else
		cross_sysv(&c);
	return c;
}

static void expect_kept(const struct crossing *c, const char *what)
{
	for (unsigned i = 0; i < REGISTERS; i++)
		cr_expect_eq(c->kept[i], 0x1111111111111111 * (i + 1), "%s: register %u", what, i);
	for (unsigned i = 0; i < VECTORS; i++)
		cr_expect(c->vector[i][0] == 0x0101010101010101 * (i + 1) &&
				  c->vector[i][1] == c->vector[i][0],
			  "%s: xmm%u", what, i + 6);
}

/* Of an argument that is shorter than a register, the rest may be anything. */
static bool is_argument(unsigned i, char width)
{
	switch (width) {
	case 'b':
		return (uint8_t)seen[i] == (uint8_t)cell(i);
	case 'u':
		return (uint32_t)seen[i] == (uint32_t)cell(i);
	default:
		return seen[i] == cell(i);
	}
}

enum result { NOTHING, BYTE, STATUS, POINTER };

static bool is_answer(enum result result, uint64_t got)
{
	switch (result) {
	case BYTE:
		return (uint8_t)got == (uint8_t)answer;
	case STATUS:
		return (uint32_t)got == (uint32_t)answer;
	case POINTER:
		return got == answer;
	default:
		return true;
	}
}

/* A slot or an entry point: its arguments, one letter each (b: BOOLEAN, u: ULONG, p: as wide as a pointer),
 * which of them the tracer replaces (1: the first; 0: none), and what it returns. */
struct prototype {
	const char *name, *arguments;
	unsigned replaced;
	enum result result;
};

static void expect_passes(enum convention convention, const void *function,
			  const struct prototype *p, uint64_t result)
{
	struct crossing c;
	char what[100];

	snprintf(what, sizeof(what), "%s, %s, result 0x%jx", p->name, convention_name[convention],
		 (uintmax_t)result);
	answer = result;
	c = cross(convention, function);
	cr_expect_eq(calls_seen, 1, "%s: %u calls", what, calls_seen);
	for (unsigned i = 0; p->arguments[i]; i++)
		cr_expect(is_argument(i, p->arguments[i]) || i + 1 == p->replaced,
			  "%s: argument %u is 0x%jx", what, i + 1, (uintmax_t)seen[i]);
	cr_expect(is_answer(p->result, c.result), "%s: returns 0x%jx", what, (uintmax_t)c.result);
	expect_kept(&c, what);
}

static char *folder;

static void start_with(const char *more)
{
	char options[4200];

	folder = temporary_folder_new();
	snprintf(options, sizeof(options), "ring=4M:output=%s/a.trace:%s", folder, more);
	preload_init(options);
	cr_assert(trace_begin());
}

static void start(void)
{
	start_with("");
}

static void end(void)
{
	temporary_folder_remove(folder);
}

TestSuite(convention, .fini = end);

#define SLOT(name, arguments, result) [SLOT_##name] = { #name, arguments, 0, result }

static const struct prototype slots[SLOT_COUNT] = {
	SLOT(CreateSharedMemory, "uu", POINTER),
	SLOT(AllocateSharedMemory, "pu", POINTER),
	SLOT(FreeSharedMemory, "pp", NOTHING),
	SLOT(DeleteSharedMemory, "p", BYTE),
	SLOT(AllocateLsaHeap, "u", POINTER),
	SLOT(FreeLsaHeap, "p", NOTHING),
	SLOT(CallPackage, "ppuppp", STATUS),
	SLOT(CallPackageEx, "pppuppp", STATUS),
	SLOT(CallPackagePassthrough, "pppuppp", STATUS),
	SLOT(GetUserAuthData, "ppp", STATUS),
	SLOT(GetAuthDataForUser, "pupppp", STATUS),
	SLOT(GetCredentials, "pupbppp", STATUS),
	SLOT(ExpandAuthDataForDomain, "puppp", STATUS),
	SLOT(ConvertAuthDataToToken, "puupuppppp", STATUS),
	SLOT(CrackSingleName, "ubppuppp", STATUS),
	SLOT(GetUserCredentials, "ppppp", STATUS),
	SLOT(ClientCallback, "ppppp", STATUS),
	SLOT(MapBuffer, "pp", STATUS),
	SLOT(CrediRead, "pupuup", STATUS),
	SLOT(CrediReadDomainCredentials, "pupupp", STATUS),
	SLOT(CrediUnmarshalandDecodeString, "pppp", STATUS),
	SLOT(GetServiceAccountPassword, "ppupppp", STATUS),
	SLOT(QueryClientRequest, "pup", STATUS),
	SLOT(GetAppModeInfo, "ppppp", STATUS),
	SLOT(FreeReturnBuffer, "p", NOTHING),
	SLOT(AllocatePrivateHeap, "p", POINTER),
	SLOT(FreePrivateHeap, "p", NOTHING),
	SLOT(AllocateClientBuffer, "pup", STATUS),
	SLOT(FreeClientBuffer, "pp", STATUS),
	SLOT(AllocateHeap, "u", POINTER),
	SLOT(FreeHeap, "p", NOTHING),
};

static const uint64_t results[] = { 0x123456789ab0, 0, 0xc0000001, 0x123456789ab0 };

/* The first call of a slot is recorded on another way than those that follow. */
Test(convention, a_shim_passes_everything_on_and_keeps_registers, .init = start)
{
	for (enum convention c = 0; c < CONVENTION_COUNT; c++)
		for (enum slot slot = 0; slot < SLOT_COUNT; slot++) {
			uint32_t index = c * 10 + slot % 10;

			cr_assert_not_null(slots[slot].arguments, "slot %d", slot);
			originals_of_shims[index][slot] = any[c];
			for (size_t i = 0; i < sizeof(results) / sizeof(*results); i++)
				expect_passes(c, shims_at(c, slot, index), &slots[slot], results[i]);
		}
}

#define WRAPPED(name, arguments, replaced) [WRAPPED_##name] = { #name, arguments, replaced, STATUS }

static const struct prototype wrapped[WRAPPED_COUNT] = {
	WRAPPED(Initialize, "ppp", 3),
	WRAPPED(GetInfo, "p", 0),
	WRAPPED(InitializePackage, "upppp", 2),
	WRAPPED(LogonUser, "puppupppppppp", 0),
	WRAPPED(LogonUserEx, "puppuppppppppp", 0),
	WRAPPED(LogonUserEx2, "puppuppppppppppp", 0),
	WRAPPED(CallPackage, "pppuppp", 0),
	WRAPPED(CallPackageUntrusted, "pppuppp", 0),
	WRAPPED(CallPackagePassthrough, "pppuppp", 0),
	WRAPPED(InitLsaModeContext, "pppuuppppppp", 0),
	WRAPPED(AcceptLsaModeContext, "pppuupppppp", 0),
	WRAPPED(GetUserInfo, "pup", 0),
	WRAPPED(QueryContextAttributes, "pup", 0),
	WRAPPED(QueryCredentialsAttributes, "pup", 0),
	WRAPPED(GetExtendedInformation, "up", 0),
	WRAPPED(GetCredentials, "pp", 0),
	WRAPPED(ChangeAccountPassword, "ppppbp", 0),
	WRAPPED(QueryMetaData, "ppuppp", 0),
	WRAPPED(GetCredUIContext, "pppp", 0),
	WRAPPED(GetRemoteCredGuardLogonBuffer, "pppppppp", 0),
	WRAPPED(GetRemoteCredGuardSupplementalCreds, "ppppppp", 0),
	WRAPPED(AcceptCredentials, "uppp", 0),
	WRAPPED(AcquireCredentialsHandle, "pupppppp", 0),
	WRAPPED(FreeCredentialsHandle, "p", 0),
	WRAPPED(SaveCredentials, "pp", 0),
	WRAPPED(DeleteCredentials, "pp", 0),
	WRAPPED(DeleteContext, "p", 0),
	WRAPPED(ApplyControlToken, "pp", 0),
	WRAPPED(AddCredentials, "pppupppp", 0),
	WRAPPED(SetExtendedInformation, "up", 0),
	WRAPPED(SetContextAttributes, "pupu", 0),
	WRAPPED(SetCredentialsAttributes, "pupu", 0),
	WRAPPED(ExchangeMetaData, "ppuupp", 0),
	WRAPPED(UpdateCredentials, "ppup", 0),
	WRAPPED(ValidateTargetInfo, "pppup", 0),
	WRAPPED(PostLogonUser, "p", 0),
	WRAPPED(InstanceInit, "upp", 2),
	WRAPPED(UserQueryContextAttributes, "pup", 0),
	WRAPPED(UserFormatCredentials, "pp", 0),
	WRAPPED(UserMarshallSupplementalCreds, "uppp", 0),
	WRAPPED(UserExportContext, "pupp", 0),
	WRAPPED(UserInitContext, "pp", 0),
	WRAPPED(UserImportContext, "ppp", 0),
	WRAPPED(UserMarshalAttributeData, "uuuppp", 0),
	WRAPPED(UnloadPackage, "p", 0),
};

/* The copy of a package's table has the wrappers of its convention. */
Test(convention, a_wrapper_passes_everything_on_and_keeps_registers, .init = start)
{
	static void *tables[CONVENTION_COUNT][64];
	static struct own_tables libraries[CONVENTION_COUNT];

	for (enum convention c = 0; c < CONVENTION_COUNT; c++) {
		for (size_t i = 0; i < 64; i++)
			tables[c][i] = any[c];
		libraries[c] = (struct own_tables){ .convention = c, .code = any[c] };
		cr_assert(own_tables_take(&libraries[c], tables[c], 1, SECPKG_INTERFACE_VERSION_8));
		cr_expect_eq((void *)((SECPKG_FUNCTION_TABLE *)(void *)libraries[c].copy)->GetInfo,
			     wrappers_at(c, WRAPPED_GetInfo, c));
		for (enum wrapped w = 0; w < WRAPPED_COUNT; w++) {
			cr_assert_not_null(wrapped[w].arguments, "wrapper %d", w);
			originals_of_wrappers[c][w] = any[c];
			for (size_t i = 0; i < sizeof(results) / sizeof(*results); i++)
				expect_passes(c, wrappers_at(c, w, c), &wrapped[w], results[i]);
		}
	}
}

Test(convention, an_entry_point_passes_everything_on_and_keeps_registers, .init = start)
{
	static const struct prototype entry = { "SpLsaModeInitialize", "uppp", 0, STATUS };

	for (enum convention c = 0; c < CONVENTION_COUNT; c++)
		for (enum library_mode mode = LIBRARY_LSA; mode <= LIBRARY_USER; mode++)
			expect_passes(c, lsa_mode_entry_for(any[c], mode, c), &entry, 0xc0000001);
}

Test(convention, the_export_of_a_library_gets_the_wrapper_of_its_convention, .init = start)
{
	for (enum convention c = 0; c < CONVENTION_COUNT; c++)
		expect_passes(c, lsa_ap_function_for(any[c], WRAPPED_LogonUserEx2, c),
			      &wrapped[WRAPPED_LogonUserEx2], 7);
}

/* Whole tables. Each slot of the host's table has the function of its convention. */
static void *hosts[CONVENTION_COUNT][TABLE_SLOTS];

static void fill_hosts(void)
{
	for (enum convention c = 0; c < CONVENTION_COUNT; c++)
		for (size_t i = 0; i < TABLE_SLOTS; i++)
			hosts[c][i] = any[c];
}

/* `number` is the package's index as well. */
static LSA_SECPKG_FUNCTION_TABLE *hand_out(enum convention c, const void *table, uint32_t number)
{
	return table_substitute(table, TABLE_FULL, TABLE_FULL, c, number, number);
}

static uint64_t call(enum convention c, const void *function, uint64_t first, uint64_t second)
{
	struct crossing crossing = { .function = function, .argument = { first, second } };

	calls_seen = 0;
	if (c == CONVENTION_MS)
		cross_ms(&crossing);
	else
		cross_sysv(&crossing);
	return crossing.result;
}

static const struct trace_event *event_at(unsigned position)
{
	const struct trace_event *event = NULL;

	do
		event = preload_next_event(event);
	while (event && position-- > 0);
	return event;
}

/* Allocates by the one and frees by the other, and once more. */
Test(convention, packages_of_both_share_a_process_and_its_ledger, .init = start)
{
	LSA_SECPKG_FUNCTION_TABLE *ours[CONVENTION_COUNT];
	unsigned position = 0;

	fill_hosts();
	for (enum convention c = 0; c < CONVENTION_COUNT; c++)
		ours[c] = hand_out(c, hosts[c], 3 + c);
	for (enum convention c = 0; c < CONVENTION_COUNT; c++) {
		enum convention other = CONVENTION_COUNT - 1 - c;

		answer = cell(c);
		cr_expect_eq(call(c, (void *)ours[c]->AllocateLsaHeap, 64, 0), cell(c));
		cr_expect(calls_seen == 1 && seen[0] == 64);
		call(other, (void *)ours[other]->FreeLsaHeap, cell(c), 0);
		cr_expect(calls_seen == 1 && seen[0] == cell(c));
		cr_expect_null(preload_next_finding(NULL));
		cr_expect_eq(event_at(position)->package, 3 + c);
		cr_expect_eq(event_at(position)->size, 64);
		cr_expect_eq(event_at(position++)->address, cell(c));
		cr_expect_eq(event_at(position)->package, 3 + other);
		cr_expect_eq(event_at(position++)->function, SLOT_FreeLsaHeap);
	}
	call(CONVENTION_MS, (void *)ours[CONVENTION_MS]->FreeLsaHeap, cell(0), 0);
	cr_assert_not_null(preload_next_finding(NULL));
	cr_expect_eq(preload_next_finding(NULL)->kind, TRACE_KIND_DOUBLE_FREE);
	cr_expect_eq(preload_next_finding(NULL)->package, 3 + CONVENTION_MS);
}

/* A package hands its table on to another one. */
Test(convention, behind_a_shim_is_never_a_shim, .init = start)
{
	LSA_SECPKG_FUNCTION_TABLE *one, *two;

	fill_hosts();
	for (enum convention c = 0; c < CONVENTION_COUNT; c++) {
		one = hand_out(c, hosts[c], 5 + c);
		two = hand_out(c, one, 10 + c);
		cr_expect_eq((void *)two->AllocateLsaHeap,
			     shims_at(c, SLOT_AllocateLsaHeap, 10 + c));
		cr_expect_eq(originals_of_shims[10 + c][SLOT_AllocateLsaHeap], any[c]);
	}
}

/* The functions of the first one are behind the shared shims; the second one keeps the host's. */
static void expect_shared(enum convention first)
{
	enum convention second = CONVENTION_COUNT - 1 - first;
	LSA_SECPKG_FUNCTION_TABLE *one, *two;
	struct crossing c;

	one = table_substitute(hosts[first], TABLE_FULL, TABLE_FULL, first, 70, TRACE_PACKAGE_OTHER);
	two = table_substitute(hosts[second], TABLE_FULL, TABLE_FULL, second, 71,
			       TRACE_PACKAGE_OTHER);
	cr_expect_eq((void *)one->AllocateLsaHeap,
		     shims_at(first, SLOT_AllocateLsaHeap, TRACE_PACKAGE_OTHER));
	cr_expect_eq((void *)two->AllocateLsaHeap, any[second]);
	cr_expect_eq((void *)two->CreateToken, any[second]);
	cr_expect_eq(trace_header->lost[TRACE_LOST_PACKAGES],
		     1 + (fail_names(UNTRACED_CreateToken)));
	answer = 0x5000;
	c = cross(first, (void *)one->AllocateLsaHeap);
	cr_expect(c.result == 0x5000 && calls_seen == 1);
	expect_kept(&c, "the first one");
	c = cross(second, (void *)two->AllocateLsaHeap);
	cr_expect(c.result == 0x5000 && calls_seen == 1);
	expect_kept(&c, "the second one");
}

Test(convention, packages_that_share_an_index_share_the_shims_of_one, .init = start)
{
	fill_hosts();
	expect_shared(CONVENTION_SYSV);
}

Test(convention, packages_that_share_an_index_share_the_shims_of_the_other, .init = start)
{
	fill_hosts();
	expect_shared(CONVENTION_MS);
}

Test(convention, packages_that_share_an_index_share_the_stubs_of_one)
{
	start_with("fail=AllocateLsaHeap\\:100:fail=CreateToken\\:100");
	fill_hosts();
	expect_shared(CONVENTION_MS);
}

/* Of a slot that is traced, and of one that is not: calls 1 and 2 of each. */
Test(convention, a_stub_keeps_registers)
{
	static const struct prototype create_token = { "CreateToken", "ppuuupppppppp", 0, STATUS };
	LSA_SECPKG_FUNCTION_TABLE *ours;
	struct crossing crossing;

	start_with("fail=AllocateLsaHeap\\:2:fail=AllocateLsaHeap\\:4:fail=CreateToken\\:2:"
		   "fail=CreateToken\\:4");
	fill_hosts();
	for (enum convention c = 0; c < CONVENTION_COUNT; c++) {
		ours = hand_out(c, hosts[c], 3 + c);
		expect_passes(c, (void *)ours->AllocateLsaHeap, &slots[SLOT_AllocateLsaHeap],
			      0x5000);
		expect_passes(c, (void *)ours->CreateToken, &create_token, 7);
		crossing = cross(c, (void *)ours->AllocateLsaHeap);
		cr_expect(crossing.result == 0 && calls_seen == 0);
		expect_kept(&crossing, "a call that fails");
		crossing = cross(c, (void *)ours->CreateToken);
		cr_expect_eq((uint32_t)crossing.result, 0xc000009a);
		cr_expect_eq(calls_seen, 0);
		expect_kept(&crossing, "a call that fails, and is not traced");
	}
}

/* lsatrace's own functions. */

static void expect_provided(const LSA_SECPKG_FUNCTION_TABLE *ours, enum convention c)
{
	struct crossing crossing;
	uint64_t section, block;

	section = call(c, (void *)ours->CreateSharedMemory, 4096, 4096);
	cr_assert_neq(section, 0);
	block = call(c, (void *)ours->AllocateSharedMemory, section, 100);
	cr_assert(block >= section && block < section + 4096);
	call(c, (void *)ours->FreeSharedMemory, section, block);
	cr_expect_eq(call(c, (void *)ours->AllocateSharedMemory, section, 100), block);
	cr_expect_eq((uint8_t)call(c, (void *)ours->DeleteSharedMemory, section, 0), TRUE);
	crossing = cross(c, (void *)ours->CreateSharedMemory);
	expect_kept(&crossing, "CreateSharedMemory");
}

Test(convention, shared_memory_is_provided_in_both)
{
	start_with("allocator=embedded");
	fill_hosts();
	for (enum convention c = 0; c < CONVENTION_COUNT; c++)
		expect_provided(hand_out(c, hosts[c], 3 + c), c);
}

/* The package calls them without a shim. */
Test(convention, heaps_that_are_not_traced_are_provided_in_both)
{
	LSA_SECPKG_FUNCTION_TABLE *ours;
	struct crossing crossing;

	start_with("families=shared-memory");
	for (enum convention c = 0; c < CONVENTION_COUNT; c++) {
		const void *const *functions = (const void *const *)sharedmem_functions[c];
		uint64_t block;

		ours = hand_out(c, NULL, 3 + c);
		cr_assert_not_null(ours);
		cr_expect_eq((void *)ours->AllocateLsaHeap, functions[SLOT_AllocateLsaHeap]);
		block = call(c, (void *)ours->AllocateLsaHeap, 100, 0);
		cr_assert_neq(block, 0);
		memset((void *)block, 0xff, 100);
		call(c, (void *)ours->FreeReturnBuffer, block, 0);
		cr_expect_eq(call(c, (void *)ours->AllocateLsaHeap, 100, 0), block);
		block = call(c, (void *)ours->AllocatePrivateHeap, 100, 0);
		cr_assert_neq(block, 0);
		call(c, (void *)ours->FreePrivateHeap, block, 0);
		crossing = cross(c, (void *)ours->AllocatePrivateHeap);
		expect_kept(&crossing, "AllocatePrivateHeap");
	}
}

/* Each convention has its host behind the guarded functions. */
Test(convention, blocks_are_guarded_in_both)
{
	start_with("allocator=guard:guard-families=lsa-heap,shared-memory");
	fill_hosts();
	for (enum convention c = 0; c < CONVENTION_COUNT; c++) {
		LSA_SECPKG_FUNCTION_TABLE *ours = hand_out(c, hosts[c], 3 + c);
		uint64_t block = call(c, (void *)ours->AllocateLsaHeap, 100, 0);
		struct crossing crossing;
		void *copy = (void *)block;

		cr_expect_eq(calls_seen, 0);
		cr_assert(guarded_owns((void *)block));
		call(c, (void *)ours->FreeLsaHeap, block, 0);
		cr_expect_eq(calls_seen, 0);
		call(c, (void *)ours->FreeLsaHeap, cell(1), 0);
		cr_expect(calls_seen == 1 && seen[0] == cell(1), "what is not guarded");
		crossing = cross(c, (void *)ours->AllocateLsaHeap);
		expect_kept(&crossing, "AllocateLsaHeap");
		block = call(c, (void *)ours->AllocateLsaHeap, 100, 0);
		answer = cell(2);
		copy = (void *)block;
		calls_seen = 0;
		copy_out_block(&copy, c);
		cr_expect_eq(copy, (void *)cell(2));
		cr_expect(calls_seen == 1 && convention_seen == c && seen[0] == 100,
			  "the copy is of the host's heap");
	}
}
