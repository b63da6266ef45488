// Any bytes as a configuration: it is refused with one line that names the file, or it is whole and within
// bounds.
#include <string.h>

#include "config.h"
#include "fuzz.h"

static void check_refusal(const char *text)
{
    FUZZ_CHECK(strncmp(text, "f:", 2) == 0);
    for (; *text; text++)
        FUZZ_CHECK((unsigned char)*text >= ' ' && *text != 0x7f);
}

static void check_rules(const struct rules *rules)
{
    struct error error;

    for (size_t i = 0; i < rules->count; i++) {
        FUZZ_CHECK(rules->rules[i].match && strchr(rules->rules[i].match, '/'));
        FUZZ_CHECK(rule_check(&rules->rules[i], &error));
    }
}

static void check_credential(const struct config *config, const struct credential_options *options)
{
    FUZZ_CHECK(options->type < CREDENTIAL_TYPE_COUNT);
    FUZZ_CHECK(options->host || config->github_count == 1);
    FUZZ_CHECK(options->type != CREDENTIAL_APP || (options->app_id && !options->private_key != !options->sign_command));
    FUZZ_CHECK(options->type != CREDENTIAL_COMMAND || (options->argv && options->argv[0]));
    FUZZ_CHECK(options->type != CREDENTIAL_BROKER || strncasecmp(options->url, "https://", 8) == 0);
}

static void check_config(const struct config *config)
{
    FUZZ_CHECK(config->listener_count > 0 && config->github_count > 0);
    for (size_t i = 0; i < config->listener_count; i++)
        FUZZ_CHECK(config->listeners[i].address.text && !config->listeners[i].address.off);
    for (size_t i = 0; i < config->github_count; i++)
        FUZZ_CHECK(config->githubs[i].host.web && config->githubs[i].host.api_url && config->githubs[i].trust);
    for (size_t i = 0; i < config->credential_count; i++)
        check_credential(config, &config->credentials[i]);
    FUZZ_CHECK(config->ca_publish && config->audit);
    FUZZ_CHECK(config->limits.idle_ms >= 1000 && config->limits.header >= 8 * KIB && config->limits.connections > 0);
    FUZZ_CHECK(config->token_minimum_life_ms <= config->token_refresh_before_ms);
    check_rules(&config->rules);
    for (size_t i = 0; i < config->broker.grant_count; i++)
        check_rules(&config->broker.grants[i].rules);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct config *config;
    struct error error = {""};

    if (config_parse(bytes_of((const char *)data, size), "f", CONFIG_FOR_RUN, &config, &error)) {
        check_config(config);
        config_unref(config);
    } else {
        check_refusal(error.text);
    }
    return 0;
}
