/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>

#include <stdlib.h>
#include <string.h>

#include "viewer/base/buffer.h"
#include "viewer/symbols/demangle.h"

static void expect_name(const char *symbol, const char *name)
{
	char *found = demangle(symbol);

	cr_expect_str_eq(found ? found : "(null)", name, "%s: %s", symbol, found);
	free(found);
}

static void expect_short(const char *name, const char *expected)
{
	struct buffer b = { 0 };

	demangle_shorten(&b, name);
	cr_expect_str_eq(b.data, expected, "%s", b.data);
	buffer_release(&b);
}

Test(demangle, knows_cpp_with_its_clones_and_lambdas)
{
	expect_name("_ZN3foo3BarC1Ei", "foo::Bar::Bar(int)");
	expect_name("_ZN12_GLOBAL__N_13Foo3barEv", "(anonymous namespace)::Foo::bar()");
	expect_name("_ZN3foo3barEi.part.0.cold", "foo::bar(int) [clone .part.0] [clone .cold]");
	expect_name("_ZZ4mainENKUliE_clEi", "main::{lambda(int)#1}::operator()(int) const");
}

Test(demangle, knows_both_manglings_of_rust)
{
	expect_name("_ZN4core3ptr13drop_in_place17h0123456789abcdefE", "core::ptr::drop_in_place");
	expect_name("_RNvCskwGfYPst2Cb_3foo16example_function", "foo::example_function");
}

Test(demangle, leaves_other_names_alone)
{
	static const char *const names[] = { "",   "_",  "__",    "main",  "foo.part.0",
					     "_Z", "_R", "_Zfoo", "_exit", "__libc_start_main" };

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		expect_name(names[i], "(null)");
}

/* Each pair of parameters names the one before it twice: 2^40 words. */
Test(demangle, bounds_the_name_that_a_short_symbol_stands_for, .timeout = 20)
{
	struct buffer b = { 0 };
	char *found;

	buffer_text(&b, "_Z1fSt4pairIiiES_IS0_S0_E");
	for (unsigned i = 1; i < 30; i++)
		buffer_format(&b, "S_IS%c_S%c_E", "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"[i],
			      "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"[i]);
	found = demangle(b.data);
	cr_expect(!found || strlen(found) <= 1u << 17);
	free(found);
	buffer_release(&b);
}

Test(demangle, survives_names_that_are_nested_deeply, .timeout = 20)
{
	struct buffer b = { 0 };

	buffer_text(&b, "_Z1f");
	for (unsigned i = 0; i < 4000; i++)
		buffer_text(&b, "P");
	buffer_text(&b, "i");
	free(demangle(b.data));
	buffer_text(&b,
		    "_and_longer_than_any_symbol_that_is_looked_at_and_longer_than_any_symbol_that"
		    "_is_looked_at");
	expect_name(b.data, "(null)");
	buffer_release(&b);
}

Test(demangle, shortens_template_arguments)
{
	expect_short("std::vector<int, std::allocator<int> >::push_back(int const&)",
		     "std::vector<...>::push_back(int const&)");
	expect_short("void run<A<(B)1> >(A<(B)1>)", "void run<...>(A<...>)");
	expect_short("a<>", "a<>");
	expect_short("plain_c", "plain_c");
}

Test(demangle, takes_no_operator_and_no_path_of_rust_for_template_arguments)
{
	expect_short("bool operator< <int>(A<int> const&)", "bool operator< <...>(A<...> const&)");
	expect_short("operator<<(std::ostream&, A<int>)", "operator<<(std::ostream&, A<...>)");
	expect_short("A::operator()<int>(int)", "A::operator()<...>(int)");
	expect_short("A<int>::operator->()", "A<...>::operator->()");
	expect_short("<alloc::vec::Vec<T> as core::ops::Drop>::drop",
		     "<alloc::vec::Vec<...> as core::ops::Drop>::drop");
	expect_short("f::<impl core::fmt::Debug for X>::fmt",
		     "f::<impl core::fmt::Debug for X>::fmt");
	expect_short("foo::bar::<u32>", "foo::bar::<...>");
	expect_short("f::<lambda(int)>::operator()", "f::<lambda(int)>::operator()");
}

Test(demangle, cuts_what_fills_a_screen)
{
	struct buffer name = { 0 }, b = { 0 };

	for (unsigned i = 0; i < 100; i++)
		buffer_text(&name, "long::");
	demangle_shorten(&b, name.data);
	cr_expect_eq(b.used, 200);
	buffer_release(&name);
	buffer_release(&b);
}
