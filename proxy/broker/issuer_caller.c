#include "issuer_caller.h"

#include "id_token.h"
#include "known_issuer.h"
#include "mem.h"

// A tenant's name is a key of tables; GitHub's have at most 140 bytes.
#define TENANT_SIZE_MAX 256

bool issuer_caller_check_audience(const struct config_issuer *issuer, const struct id_token *token,
                                  struct error *ret_error)
{
    return id_token_is_for(token, CONFIG_AUDIENCE_CREDENTIAL) || id_token_is_for(token, issuer->audience) ||
           error_set(ret_error, "the token of issuer %s is not for this broker: its `aud` must be %s", issuer->name,
                     issuer->audience);
}

bool issuer_caller_check(const struct config_issuer *issuer, const struct id_token *token, struct wall now,
                         struct error *ret_error)
{
    return issuer_caller_check_audience(issuer, token, ret_error) &&
           (id_token_check_time(token, now, ret_error) || error_prefix(ret_error, "issuer %s", issuer->name));
}

void issuer_caller_fill(const struct config_issuer *issuer, const struct id_token *token, struct caller *caller)
{
    const char *tenant = id_token_text(token, known_issuer_tenant_claim(issuer->issuer));

    // A token for both audiences is of a caller that may hold what it is given: the narrower counts.
    caller->holder = id_token_is_for(token, CONFIG_AUDIENCE_CREDENTIAL);
    caller->issuer = mem_string(issuer->name);
    caller->claims = json_incref(token->claims);
    caller->subject = mem_string(id_token_text(token, "sub"));
    if (!tenant)
        tenant = caller->subject ? caller->subject : "";
    caller->tenant = mem_format("%.*s", TENANT_SIZE_MAX, tenant);
}
