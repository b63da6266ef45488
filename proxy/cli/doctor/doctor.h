// `gitlatch doctor`: what all of its examinations share.
#ifndef GITLATCH_DOCTOR_H
#define GITLATCH_DOCTOR_H

#include <stdbool.h>

#include <gitlatch/attr.h>

#include "clock.h"
#include "finding.h"
#include "git_config.h"

// What gitlatch itself always refuses, whatever its rules: its answer shows that it was reached, and GitHub hears
// nothing of it.
#define DOCTOR_PATH "login/doctor.git"
#define DOCTOR_URL  "https://github.com/" DOCTOR_PATH
// So every refusal of gitlatch's begins.
#define DOCTOR_MARK "gitlatch: "
// A tool that takes longer does not work.
#define DOCTOR_TIMEOUT_MS (15 * SECOND_MS)

// How a tool is led to gitlatch.
enum doctor_way { DOCTOR_NO_WAY, DOCTOR_PROXY, DOCTOR_GATEWAY, DOCTOR_TRANSPARENT };

struct doctor {
    struct findings findings;
    bool ok;               // nothing was wrong since an examination set it
    bool clock_wrong;      // no certificate can be judged
    struct git_config git; // of the working directory; empty where there is no git

    // Where curl, gh and most tools are led, and where git is; DOCTOR_NO_WAY: not to gitlatch.
    enum doctor_way tools_way, git_way;
    const char *tools_proxy; // of the environment; NULL: none
    char *git_proxy;         // git's own setting, else that of the environment; NULL: none
    char *gateway;           // the base that takes the place of https://github.com/; NULL: none
    char *published;         // the directory of bundle.pem and env; NULL: not found
};

// Adds a finding: what was looked at, and what was found, why it matters, what mends it (FINDING_WHY, FINDING_MEND).
void doctor_ok(struct doctor *doctor, const char *what, const char *format, ...) GL_PRINTF(3, 4);
void doctor_wrong(struct doctor *doctor, const char *what, const char *format, ...) GL_PRINTF(3, 4);
void doctor_note(struct doctor *doctor, const char *what, const char *format, ...) GL_PRINTF(3, 4);

#endif
