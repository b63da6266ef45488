#include "github_refusal.h"

#include "accepted_permissions.h"
#include "rate_limit.h"

enum reason github_refusal_reason(const struct head *answer)
{
    struct rate_limit limit = rate_limit_of_head(answer);

    if (rate_limit_is_reached(&limit, answer->status))
        return REASON_RATE_LIMITED;
    if (answer->status == 404)
        return REASON_GITHUB_NOT_FOUND;
    if (answer->status >= 500)
        return REASON_GITHUB_FAILED;
    return answer->status >= 400 ? REASON_GITHUB_REFUSED : REASON_NONE;
}

enum reason github_refusal_recorded(const struct head *answer, const struct token *token)
{
    enum reason reason = github_refusal_reason(answer);

    if (github_refusal_lacks_permission(answer, token))
        return REASON_GITHUB_PERMISSION;
    if (reason == REASON_RATE_LIMITED || reason == REASON_GITHUB_FAILED || (answer->status == 403 && token))
        return reason;
    return REASON_NONE;
}

bool github_refusal_lacks_permission(const struct head *answer, const struct token *token)
{
    struct bytes accepted = head_value(answer, FIELD_X_ACCEPTED_GITHUB_PERMISSIONS);

    return answer->status == 403 && token && token->granted.has_permissions &&
           accepted_permissions_lack(accepted, &token->granted.permissions);
}

bool github_refusal_says_why(const struct head *answer, const struct token *token)
{
    struct rate_limit limit = rate_limit_of_head(answer);

    return rate_limit_is_reached(&limit, answer->status) || github_refusal_lacks_permission(answer, token);
}

bool github_refusal_denies_minted(const struct operation *operation, const struct scope *scope,
                                  const struct token *token)
{
    const struct operation_traits *traits = operation_traits(operation->kind);
    bool itself = (traits->advertisement && !operation->wiki) ||
                  (traits->access == ACCESS_API && operation->reads && operation->api_path.size == 0);

    return itself && token && !token->granted.wide && scope && scope->reach == SCOPE_REPOSITORY;
}
