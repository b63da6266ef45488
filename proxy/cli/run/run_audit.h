// Where the events of a private proxy go, and what is read of them at the end.
#ifndef GITLATCH_RUN_AUDIT_H
#define GITLATCH_RUN_AUDIT_H

#include <stdbool.h>
#include <stdint.h>

#include <gitlatch/attr.h>

#include "error.h"

struct config;

struct run_audit {
    const char *path; // `--audit`; NULL: not given
    bool summary;     // `--summary`
    int memory;       // of events that are kept for the summary alone; -1: none
    int64_t offset;   // where this run's events begin
};

// Makes the configuration write the events where they are wanted. To be called before the proxy starts.
bool run_audit_begin(struct run_audit *audit, struct config *config, struct error *ret_error) GL_MUST_CHECK;
// Prints the summary on stderr, once the proxy has ended.
void run_audit_end(struct run_audit *audit, const struct config *config, int64_t duration_ms);

#endif
