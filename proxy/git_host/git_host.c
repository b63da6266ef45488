#include "git_host_kind.h"

#include "git_host_route.h"
#include "github_operation.h"
#include "host_name.h"
#include "mem.h"

#define HTTPS_PORT 443

static const struct git_host_form common_forms[] = {
    GIT_HOST_COMMON_FORMS,
    {NULL, NULL},
};

bool git_host_init(struct git_host *host, enum git_host_type type, const char *web, const char *user, bool bearer,
                   bool pages_deny, struct error *ret_error)
{
    const struct git_host_kind *kind = git_host_kind(type);
    struct host_name name;
    uint16_t port;

    if (!host_name_parse_authority(bytes_of_string(web), HTTPS_PORT, &name, &port) || name.kind != HOST_NAME)
        return error_set(ret_error,
                         "`%s` is not the name of a host: write it as in gitlab.com or git.corp.example:8443", web);
    *host = (struct git_host){
        .type = type,
        .web = port == HTTPS_PORT ? mem_string(name.text) : mem_format("%s:%u", name.text, port),
        .name = mem_string(name.text),
        .port = port,
        .user = mem_string(user ? user : kind->user),
        .bearer = bearer || (kind->bearer && !user),
        .pages_deny = pages_deny,
    };
    return true;
}

void git_host_clear(struct git_host *host)
{
    mem_free(host->web);
    mem_free(host->name);
    mem_free(host->user);
    *host = (struct git_host){0};
}

bool git_host_read(const struct git_host *host, enum github_endpoint endpoint, enum head_method method,
                   const struct target *target, struct operation *ret_operation, struct verdict *ret_verdict)
{
    if (git_host_is_github(host))
        return github_operation_parse(github_host_of(host), endpoint, method, target, ret_operation, ret_verdict);
    return git_host_route_parse(host, method, target, ret_operation, ret_verdict);
}

const struct git_host_form *git_host_forms(const struct git_host *host)
{
    const struct git_host_form *forms = git_host_kind(host->type)->forms;

    return forms ? forms : common_forms;
}

void git_host_form_append(const struct git_host *host, const char *from, struct text *out)
{
    for (; *from; from++) {
        if (from[0] == '%' && from[1] == 's') {
            text_append(out, host->name);
            from++;
        } else if (from[0] == '%' && from[1] == 'o') {
            text_append_bytes(out, bytes_of(host->name, strcspn(host->name, ".")));
            from++;
        } else {
            text_append_char(out, *from);
        }
    }
}
