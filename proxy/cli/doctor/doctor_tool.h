// One tool of the workspace: it is run once, to ask for what gitlatch always refuses; its words show whether it came there
// and trusted the CA.
#ifndef GITLATCH_DOCTOR_TOOL_H
#define GITLATCH_DOCTOR_TOOL_H

#include "doctor.h"
#include "text.h"

struct doctor_tool {
    const char *name;
    const char *variable;  // that names its roots
    const char *published; // the file of ours that the variable is to name; NULL: bundle.pem
    bool is_git;           // led as git is
    const char *const *argv;
    const char *const *environment; // beside the workspace's
    const char *directory;
    const char *unable; // how it says that it cannot be tried here; NULL: it does not
    const char *also;   // how it tells gitlatch's refusal, where it does not quote it; NULL: it does
};

enum doctor_outcome { DOCTOR_TOOL_OK, DOCTOR_TOOL_UNTRUSTED, DOCTOR_TOOL_FAILED, DOCTOR_TOOL_UNABLE };

// Whether it is there and led to gitlatch.
bool doctor_tool_is_led(const struct doctor *doctor, const struct doctor_tool *tool);
// Runs it. `ret_output` is freed by the caller.
enum doctor_outcome doctor_tool_try(const struct doctor_tool *tool, struct text *ret_output);
// Adds what came of it.
void doctor_tool_say(struct doctor *doctor, const struct doctor_tool *tool, enum doctor_outcome outcome,
                     const struct text *output);
// All three.
void doctor_tool_examine(struct doctor *doctor, const struct doctor_tool *tool);

#endif
