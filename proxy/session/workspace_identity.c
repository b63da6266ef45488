#include "workspace_identity.h"

#include "git_host_kind.h"
#include "mem.h"
#include "runtime.h"
#include "text.h"

// The forms of one host, from its kind; `remote` owns them (remote_hosts_free).
static void fill_remote_host(const struct git_host *host, struct remote_host *remote)
{
    const struct git_host_form *forms = git_host_forms(host);
    const char **below;
    char **from;
    size_t count = 0;

    while (forms[count].from)
        count++;
    from = mem_alloc_zero(count, sizeof(*from));
    below = mem_alloc_zero(count, sizeof(*below));
    for (size_t i = 0; i < count; i++) {
        struct text text = {0};

        git_host_form_append(host, forms[i].from, &text);
        from[i] = mem_string(text_string(&text));
        below[i] = forms[i].below;
        text_free(&text);
    }
    *remote = (struct remote_host){
        .web = mem_string(host->web),
        .forms = name_list_copy(&(struct name_list){(const char *const *)from, count}),
        .below = name_list_copy(&(struct name_list){below, count}),
    };
    for (size_t i = 0; i < count; i++)
        mem_free(from[i]);
    mem_free(from);
    mem_free(below);
}

static struct remote_host *make_remote_hosts(const struct config *config)
{
    struct remote_host *hosts = mem_alloc_zero(config->host_count, sizeof(*hosts));

    for (size_t i = 0; i < config->host_count; i++)
        fill_remote_host(&config->hosts[i].host, &hosts[i]);
    return hosts;
}

struct identity *workspace_identity_new(struct loop *loop, const struct config *config, struct error *ret_error)
{
    size_t count;
    const char **names = runtime_intercepted_names(config, &count);
    const char **webs = mem_alloc(config->github_count * sizeof(*webs));
    struct remote_host *remote_hosts = make_remote_hosts(config);
    struct identity_settings settings = {
        .state = config->ca_state,
        .publish = config->ca_publish,
        .shared = config->reuse_port,
        .roots = {(const char *const *)config->ca_roots.items, config->ca_roots.count},
        .hosts = {names, count},
        .web_hosts = {webs, config->github_count},
        .remote_hosts = remote_hosts,
        .remote_host_count = config->host_count,
    };
    struct identity *identity;

    for (size_t i = 0; i < config->github_count; i++)
        webs[i] = config->githubs[i].host.web;
    identity = identity_new(loop, &settings, ret_error);
    remote_hosts_free(remote_hosts, config->host_count);
    mem_free(names);
    mem_free(webs);
    return identity;
}
