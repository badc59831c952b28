/* SPDX-License-Identifier: MIT */
#include <stdio.h>

#include "host.h"

int main(int argc, char **argv)
{
	if (argc != 2 || !host_open(argv[1])) {
		fprintf(stderr, "usage: host PACKAGE.so\n");
		return 2;
	}
	host_call("log on");
	host_call("log off");
	host_close();
	return 0;
}
