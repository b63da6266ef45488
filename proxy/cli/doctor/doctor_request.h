// One request to GitHub as a tool of the workspace would make it, and who answers.
#ifndef GITLATCH_DOCTOR_REQUEST_H
#define GITLATCH_DOCTOR_REQUEST_H

#include <stdbool.h>

#include <gitlatch/attr.h>

#include "clock.h"

struct doctor_request {
    const char *url;
    const char *proxy; // NULL: none
    const char *roots; // PEM file by which the certificate is verified; NULL: it is not
    bool head;         // HEAD, not GET
};

struct doctor_answer {
    bool answered;
    bool untrusted;     // the roots do not verify the certificate
    int proxy_status;   // of the proxy's answer to CONNECT; 0: none
    int status;         // of the answer; 0: none
    bool from_gitlatch; // the body holds DOCTOR_MARK
    char problem[256];  // why it was not answered
    // Of the certificate that was shown; all zero where there was none.
    struct wall not_before, not_after;
    struct wall date; // of the answer; 0: it named none
};

void doctor_request(const struct doctor_request *request, struct doctor_answer *ret_answer);

#endif
