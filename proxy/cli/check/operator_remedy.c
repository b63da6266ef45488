#include "operator_remedy.h"

#include <stddef.h>

#include <gitlatch/attr.h>

static const struct {
    enum reason reason;
    const char *remedy;
} rows[] = {
    {REASON_NOT_INSTALLED,
     "ask an owner of that account to install the App (its settings, Install App), or take the rule out"},
    {REASON_NOT_COVERED,
     "correct the name in the rule, or ask an owner to add the repository to the App's installation "
     "(Repository access)"},
    {REASON_NOT_GRANTED,
     "ask for the permission in the App's settings and have an owner accept that, or take it out of the "
     "rule"},
    {REASON_SUSPENDED, "ask an owner of that account to unsuspend the App's installation"},
    {REASON_IP_ALLOW_LIST, "ask an owner of the organisation to add this machine's address to its IP allow list"},
    {REASON_RENAMED, "write that name"},
    {REASON_CLOCK, "set this machine's clock: timedatectl set-ntp true"},
    {REASON_RATE_LIMITED, "wait until the limit is reset, and look for what else uses this credential"},
    {REASON_BROKER_DENIED, "add what is asked for to a grant under `broker.grants` of the broker's configuration"},
    {REASON_NO_CREDENTIAL, "add one for this host under `credentials`"},
    {REASON_SCOPE, "use this source for no rule that needs a narrow token, or have its tokens narrowed"},
    {REASON_TOKEN_UNREACHABLE,
     "find out who stops the way there: curl -v to the same address; a company's proxy is named in "
     "`upstream.proxy`"},
    {REASON_TOKEN_TIMEOUT, "find out who stops the way there: curl -v to the same address"},
    {REASON_UPSTREAM_UNREACHABLE,
     "find out who stops the way there: curl -v to the same host; firewalls must let port 443 out"},
    {REASON_UPSTREAM_TIMEOUT, "find out who stops the way there: a firewall that drops packets, or `upstream.proxy`"},
    {REASON_UPSTREAM_TLS,
     "name the roots that signed it in `github.trust`, such as those of a company's proxy that opens TLS; "
     "a certificate that has ended or is not valid yet is often this machine's clock"},
    {REASON_UPSTREAM_PROTOCOL, "find out who answers in GitHub's place: curl -v to the same host"},
};

const char *operator_remedy(enum reason reason)
{
    for (size_t i = 0; i < GL_ARRAY_SIZE(rows); i++)
        if (rows[i].reason == reason)
            return rows[i].remedy;
    return "";
}
