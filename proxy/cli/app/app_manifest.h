// What an App is asked for at GitHub: its manifest, and the page whose one button posts it. Pure.
//
// Source: GitHub documentation, "Registering a GitHub App from a manifest".
#ifndef GITLATCH_APP_MANIFEST_H
#define GITLATCH_APP_MANIFEST_H

#include "config.h"
#include "text.h"

struct app_manifest {
    const char *name;         // NULL: chosen on GitHub's page
    const char *organization; // that will own it; NULL: the person who creates it
    const char *host;         // "github.com"
    const char *redirect_url; // to which GitHub sends the browser back
    const char *state;        // that comes back with the code
    const struct rules *rules;
};

// Appends the JSON: the least permissions by which the rules can work, no webhook, for its owner alone.
void app_manifest_append(const struct app_manifest *manifest, struct text *out);
// Appends the page; its policy for Content-Security-Policy is that of app_manifest_policy.
void app_manifest_append_page(const struct app_manifest *manifest, struct text *out);
void app_manifest_append_policy(const struct app_manifest *manifest, struct text *out);
// A value within an element or a quoted attribute.
void app_manifest_append_html(struct text *out, const char *value);

#endif
