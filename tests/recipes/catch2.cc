// SPDX-License-Identifier: MIT
// Catch2, version 2: a listener counts the tests that leak. A listener cannot let a test fail, so main() lets
// the program fail. Run it under `lsatrace record`; without it, the listener does nothing.
#define CATCH_CONFIG_RUNNER
#include <catch2/catch.hpp>
#include <iostream>
#include <lsatrace.h>

#include "host.h"

static int leaky_tests;

struct Leaks : Catch::TestEventListenerBase {
	using TestEventListenerBase::TestEventListenerBase;

	void testCaseStarting(const Catch::TestCaseInfo &test) override
	{
		lsatrace_checkpoint(test.name.c_str());
	}
	void testCaseEnded(const Catch::TestCaseStats &stats) override
	{
		const std::string &name = stats.testInfo.name;

		if (lsatrace_leaks_since(name.c_str()) == 0)
			return;
		leaky_tests++;
		std::cerr << name << " leaks; lsatrace report --since='" << name << "' shows what\n";
	}
};

CATCH_REGISTER_LISTENER(Leaks)

TEST_CASE("logs on and off")
{
	host_call("log on");
	host_call("log off");
}

int main(int argc, char **argv)
{
	if (!host_open("./package.so"))
		return 2;
	int failed = Catch::Session().run(argc, argv);
	return failed ? failed : leaky_tests > 0;
}
