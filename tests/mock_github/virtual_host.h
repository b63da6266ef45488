// The names that the mock answers under, all on one port.
#ifndef GITLATCH_VIRTUAL_HOST_H
#define GITLATCH_VIRTUAL_HOST_H

#include <gitlatch/attr.h>

#include "bytes.h"

enum host_kind {
    HOST_WEB,            // github.com: git, LFS API, pages
    HOST_API,            // api.github.com
    HOST_UPLOADS,        // uploads.github.com
    HOST_ENTERPRISE,     // ghe.test: all three, told by the path
    HOST_CODELOAD,       // codeload.github.com
    HOST_RAW,            // raw.githubusercontent.com
    HOST_RELEASE_ASSETS, // release-assets.githubusercontent.com
    HOST_OBJECTS,        // github-cloud.s3.amazonaws.com
    HOST_LFS,            // lfs.github.com
    HOST_OTHER,          // any other name of the certificate: echoes
};

struct virtual_host {
    const char *name;
    enum host_kind kind;
    const char *web;     // the GitHub it belongs to: "github.com"; tokens are good for one of them
    const char *api_url; // base of that GitHub's API, no slash at the end
    const char *uploads_url;
};

// NULL: no such name. Names are lower case, without a port.
const struct virtual_host *virtual_host_find(struct bytes name);
// The names of the certificate, NULL at the end.
const char *const *virtual_host_certificate_names(void);

#endif
