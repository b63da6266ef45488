#include "configuration_findings.h"

#include "config_notice.h"
#include "text.h"

bool configuration_has_broker_rules(const struct config *config)
{
    for (size_t i = 0; i < config->credential_count; i++) {
        if (credential_gives_rules(config->credentials[i].type))
            return true;
    }
    return false;
}

static void append_rules(const struct config *config, struct text *text)
{
    const struct config_broker *broker = &config->broker;
    size_t granted = 0;

    for (size_t i = 0; i < broker->grant_count; i++)
        granted += broker->grants[i].rules.count;
    if (broker->present)
        text_format(text, ", a broker's, %zu grant%s with %zu rule%s", broker->grant_count,
                    broker->grant_count == 1 ? "" : "s", granted, granted == 1 ? "" : "s");
    if (config->rules.present)
        text_format(text, ", %zu rule%s", config->rules.count, config->rules.count == 1 ? "" : "s");
    else if (configuration_has_broker_rules(config))
        text_append(text, "; no `repositories`: the rules are those that the broker grants");
}

static void on_notice(void *arg, const struct config_notice *notice)
{
    finding_add(arg, FINDING_WARNING, notice->key, "%s%s%s%s%s", notice->what, *notice->why ? FINDING_WHY : "",
                notice->why, FINDING_MEND, notice->mend);
}

void configuration_findings(const struct config *config, struct findings *findings)
{
    struct text text = {0};

    append_rules(config, &text);
    finding_add(findings, FINDING_OK, "configuration", "%s%s", config->path, text_string(&text));
    text_free(&text);
    config_notices(config, on_notice, findings);
}
