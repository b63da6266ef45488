// What an API call needs, as GitHub says it in the answer's `X-Accepted-GitHub-Permissions`: sets of permissions, each of
// which would do. "pull_requests=write,contents=read; issues=write" is either the first two, or the last.
// Source: GitHub REST documentation, "Troubleshooting the REST API", "Resource not accessible".
#ifndef GITLATCH_ACCEPTED_PERMISSIONS_H
#define GITLATCH_ACCEPTED_PERMISSIONS_H

#include <stdbool.h>

#include <gitlatch/attr.h>
#include <gitlatch/permissions.h>

#include "bytes.h"
#include "text.h"

// Takes the next set off `value`, which starts as the field's. False: there is none left, or it cannot be read.
bool accepted_permissions_next(struct bytes *value, struct permissions *ret_set) GL_MUST_CHECK;
// Whether `granted` lacks something of every set. False also where the field says nothing that can be read.
bool accepted_permissions_lack(struct bytes value, const struct permissions *granted);
// Appends the sets as a rule writes them: "`permissions: {contents: read, pull_requests: write}` or `permissions: …`".
void accepted_permissions_append(struct bytes value, struct text *text);

#endif
