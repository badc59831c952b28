/* SPDX-License-Identifier: MIT */
/*
 * The commands of the program, one file each. A command gets its own name as argv[0], prints what is
 * wrong itself, and returns the program's exit status.
 */
#ifndef LSATRACE_VIEWER_COMMANDS_COMMANDS_H
#define LSATRACE_VIEWER_COMMANDS_COMMANDS_H

int cmd_run(int argc, char **argv);
int cmd_record(int argc, char **argv);
int cmd_report(int argc, char **argv);
int cmd_events(int argc, char **argv);
int cmd_stat(int argc, char **argv);

#endif
