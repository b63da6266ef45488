#include "rule_question.h"

#include "rule_match.h"

static bool allows_nothing(const struct rule *rule)
{
    return !rule->fetch && rule->push.kind == REF_SET_NONE && rule->delete.kind == REF_SET_NONE &&
           rule->permissions.count == 0;
}

static bool is_pattern(struct bytes part)
{
    return bytes_contain(part, BYTES("*"));
}

bool rule_question(const struct rule *rule, struct rule_question *ret_question)
{
    struct rule_question question = {0};
    struct bytes web, pattern, owner, name;

    rule_match_split(rule->match, &web, &pattern);
    if (allows_nothing(rule) || !bytes_cut(pattern, '/', &owner, &name) || is_pattern(owner))
        return false;
    // Any name will do where the rule has none: it is parsed for the owner's sake.
    if (!repository_name_parse(owner, is_pattern(name) ? BYTES("any") : name, &question.name))
        return false;
    if (is_pattern(name))
        question.name.name[0] = '\0';
    else if ((rule->fetch || rule->push.kind != REF_SET_NONE || rule->delete.kind != REF_SET_NONE) &&
             !permissions_add(&question.permissions, BYTES("contents"), PERMISSION_READ))
        return false;
    *ret_question = question;
    return true;
}
