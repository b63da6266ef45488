// A refusal or a failure, on its way from whoever found it to the one place that writes answers.
#ifndef GITLATCH_VERDICT_H
#define GITLATCH_VERDICT_H

#include <stdbool.h>

#include <gitlatch/attr.h>
#include <gitlatch/reason.h>

// Room for a sentence that quotes what GitHub said; a longer one is cut.
#define VERDICT_SENTENCE_SIZE 512

struct verdict {
    enum reason reason;
    int status;                           // HTTP status; 0: the one of the reason
    unsigned retry_after_s;               // seconds for Retry-After; 0: none
    char sentence[VERDICT_SENTENCE_SIZE]; // what happened, for people; one line, no secret, no trailing dot
    char location[256];                   // REASON_RENAMED: the new "owner/name"
};

// Fills a verdict; a NULL format takes the reason's meaning as the sentence. Of the formatted text, control characters
// become spaces and what looks like a credential `[redacted]`. Always returns false, so that a function can end with it.
bool verdict_set(struct verdict *verdict, enum reason reason, const char *format, ...) GL_PRINTF(3, 4);
// The verdict's HTTP status: its own, else that of its reason.
int verdict_status(const struct verdict *verdict);

#endif
