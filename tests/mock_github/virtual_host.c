#include "virtual_host.h"

#define DOTCOM "github.com", "https://api.github.com", "https://uploads.github.com"
#define CLOUD  "acme.ghe.com", "https://api.acme.ghe.com", "https://uploads.acme.ghe.com"
#define SERVER "ghe.test", "https://ghe.test/api/v3", "https://ghe.test/api/uploads"

static const struct virtual_host hosts[] = {
    {"github.com", HOST_WEB, DOTCOM},
    {"www.github.com", HOST_OTHER, DOTCOM},
    {"gist.github.com", HOST_OTHER, DOTCOM},
    {"api.github.com", HOST_API, DOTCOM},
    {"uploads.github.com", HOST_UPLOADS, DOTCOM},
    {"codeload.github.com", HOST_CODELOAD, DOTCOM},
    {"raw.githubusercontent.com", HOST_RAW, DOTCOM},
    {"objects.githubusercontent.com", HOST_RELEASE_ASSETS, DOTCOM},
    {"release-assets.githubusercontent.com", HOST_RELEASE_ASSETS, DOTCOM},
    {"github-cloud.s3.amazonaws.com", HOST_OBJECTS, DOTCOM},
    {"lfs.github.com", HOST_LFS, DOTCOM},
    {"acme.ghe.com", HOST_WEB, CLOUD},
    {"api.acme.ghe.com", HOST_API, CLOUD},
    {"uploads.acme.ghe.com", HOST_UPLOADS, CLOUD},
    {"ghe.test", HOST_ENTERPRISE, SERVER},
    {"other.test", HOST_OTHER, DOTCOM},
    {"localhost", HOST_OTHER, DOTCOM},
};

static const char *const certificate_names[] = {
    "github.com",
    "*.github.com",
    "*.githubusercontent.com",
    "github-cloud.s3.amazonaws.com",
    "acme.ghe.com",
    "*.acme.ghe.com",
    "ghe.test",
    "other.test",
    "*.other.test",
    "localhost",
    NULL,
};

const char *const *virtual_host_certificate_names(void)
{
    return certificate_names;
}

const struct virtual_host *virtual_host_find(struct bytes name)
{
    static const struct virtual_host under_other = {"*.other.test", HOST_OTHER, DOTCOM};

    for (size_t i = 0; i < GL_ARRAY_SIZE(hosts); i++) {
        if (bytes_equal(bytes_of_string(hosts[i].name), name))
            return &hosts[i];
    }
    return bytes_end_with(name, BYTES(".other.test")) ? &under_other : NULL;
}
