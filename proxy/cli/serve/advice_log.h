// Logs for each refusal what would have allowed it: the least YAML, with the file and line where it belongs.
#ifndef GITLATCH_ADVICE_LOG_H
#define GITLATCH_ADVICE_LOG_H

#include "config.h"

struct advice_log;
struct loop;

// `*config` is the configuration in force. Refusals of one kind (repository, reason) are logged once an hour, all together
// at most some a minute: a workspace that tries again and again does not fill the log.
struct advice_log *advice_log_new(struct loop *loop, struct config *const *config) GL_MUST_CHECK;
void advice_log_free(struct advice_log *log); // NULL: nothing

#endif
