// SPDX-License-Identifier: MIT
// GoogleTest: a listener lets each test fail that leaks. Run the program under `lsatrace record`; without it,
// the listener does nothing.
#include <gtest/gtest.h>
#include <lsatrace.h>

#include "host.h"

class Leaks : public testing::EmptyTestEventListener
{
	void OnTestStart(const testing::TestInfo &test) override
	{
		lsatrace_checkpoint(test.name());
	}
	void OnTestEnd(const testing::TestInfo &test) override
	{
		EXPECT_EQ(lsatrace_leaks_since(test.name()), 0u)
			<< "lsatrace report --since=" << test.name() << " shows what leaks";
	}
};

TEST(package, logs_on_and_off)
{
	host_call("log on");
	host_call("log off");
}

int main(int argc, char **argv)
{
	testing::InitGoogleTest(&argc, argv);
	testing::UnitTest::GetInstance()->listeners().Append(new Leaks);
	return host_open("./package.so") ? RUN_ALL_TESTS() : 2;
}
