/* SPDX-License-Identifier: MIT */
/*
 * Verbs of scenarios. A verb is a row in the array of its file, and a function that makes the call with one package. Any
 * thread.
 */
#ifndef LSATRACE_HOST_SCENARIO_VERBS_H
#define LSATRACE_HOST_SCENARIO_VERBS_H

#include "viewer/host/package/authenticate.h"
#include "viewer/host/scenario/data.h"
#include "viewer/host/scenario/steps.h"
#include "viewer/host/scenario/things.h"

struct verb_call {
	struct things *things;
	const struct steps *steps;
	const struct step *step;
	struct package *package; /* NULL: of a verb that calls no package */
	struct client *client;
};

/* Whom a verb calls: packages in the LSA, packages in a client, or nobody but the host. */
enum verb_kind { VERB_OF_LSA, VERB_OF_CLIENT, VERB_OF_HOST };

struct verb {
	const char *name;
	/* Others than "package", "client" and "expect", with a blank around each; "!" behind one that must be there. */
	const char *keys;
	void (*run)(const struct verb_call *call);
	enum verb_kind kind;
};

/* Each ends with a row of zeroes. */
extern const struct verb verbs_of_authentication[], verbs_of_credentials[], verbs_of_contexts[],
	verbs_of_messages[], verbs_of_information[];

/* The entry point, or a credential or context for it, is not there: it is told if the step expects something. */
void verb_is_missing(const struct verb_call *call, const char *entry);
void verb_lacks(const struct verb_call *call, const char *what);

/* Compares a status with what the step expects by this key. */
void verb_expect(const struct verb_call *call, const char *entry, const char *key, NTSTATUS status);

/* The data of a key, in the client's memory as well. Without the key, `otherwise`, which may be NULL. */
struct verb_data {
	struct data data;
	struct submission submission;
};
void verb_data_begin(struct verb_data *data, const struct verb_call *call, const char *key,
		     const char *otherwise);
void verb_data_end(struct verb_data *data, const struct verb_call *call);

/* Ends the verb's function if the package has no such entry point. */
#define VERB_NEEDS(call, slot, entry) \
	if (!(call)->package->api.slot) { \
		verb_is_missing(call, entry); \
		return; \
	}

#endif
