// GitHub's answer to the code of a manifest: the new App with its private key.
//
// Source: GitHub REST documentation, "Create a GitHub App from a manifest".
#ifndef GITLATCH_APP_CONVERSION_H
#define GITLATCH_APP_CONVERSION_H

#include <stdbool.h>
#include <stdint.h>

#include <gitlatch/attr.h>

#include "error.h"

struct app_conversion {
    uint64_t id;
    char *name, *url; // "https://github.com/apps/NAME"
    char *key;        // PEM
};

// Asks once: the code is then used up. The way out is what the environment says (https_proxy). `trust` NULL: the system's.
bool app_conversion_ask(const char *api, const char *code, const char *trust, struct app_conversion *ret_conversion,
                        struct error *ret_error) GL_MUST_CHECK;
void app_conversion_clear(struct app_conversion *conversion);

#endif
