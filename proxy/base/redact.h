// The last net under log and audit lines: whatever has the form of a GitHub credential is replaced.
// Source: GitHub documentation, "About authentication to GitHub", GitHub's token formats.
#ifndef GITLATCH_REDACT_H
#define GITLATCH_REDACT_H

#include <stddef.h>

// Replaces, in place, each `ghs_…` and its kin, `github_pat_…`, and the base64 form of `x-access-token:…` by
// `[redacted]`. Gives the new size, which is never larger.
size_t redact(char *data, size_t size);

#endif
