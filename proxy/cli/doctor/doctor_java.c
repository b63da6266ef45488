#include "doctor_java.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "doctor_program.h"
#include "doctor_request.h"
#include "mem.h"
#include "text.h"

// The value of `-Dname=value` in the variables from which every java takes options; given to mem_free. NULL: not there.
static char *property(const char *name)
{
    static const char *const variables[] = {"JDK_JAVA_OPTIONS", "JAVA_TOOL_OPTIONS"};
    char *option = mem_format("-D%s=", name), *value = NULL;

    for (size_t i = 0; i < GL_ARRAY_SIZE(variables) && !value; i++) {
        const char *all = getenv(variables[i]), *at = all ? strstr(all, option) : NULL;

        if (at)
            value = mem_bytes_string(bytes_of(at + strlen(option), strcspn(at + strlen(option), " ")));
    }
    mem_free(option);
    return value;
}

// Java itself reads a store of PKCS12 with its password alone.
static bool write_roots(const char *store, const char *password, const char *path)
{
    const char *const of_file[] = {
        "keytool", "-list", "-rfc", "-keystore", store, password ? "-storepass:env" : NULL, "GITLATCH_DOCTOR_STORE",
        NULL};
    const char *const of_java[] = {"keytool", "-list", "-rfc", "-cacerts", NULL};
    char *given = mem_format("GITLATCH_DOCTOR_STORE=%s", password ? password : "");
    const char *const environment[] = {given, "JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS", NULL};
    const struct doctor_program program = {.argv = store ? of_file : of_java, .environment = environment};
    struct text output = {0};
    FILE *file;
    int status = 1;
    bool ok = doctor_program_run(&program, DOCTOR_TIMEOUT_MS, &output, &status) == DOCTOR_PROGRAM_EXITED &&
              strstr(text_string(&output), "-----BEGIN CERTIFICATE") && (file = fopen(path, "we")) != NULL;

    if (ok) {
        fputs(text_string(&output), file);
        ok = fclose(file) == 0;
    }
    text_free(&output);
    mem_free(given);
    return ok;
}

// The command that leads java here and makes it trust the CA; given to mem_free.
static char *options_command(const struct doctor *doctor)
{
    const char *published = doctor->published ? doctor->published : "PUBLISHED";
    const char *url = doctor->tools_proxy ? doctor->tools_proxy : "http://HOST:PORT";
    const char *scheme = strstr(url, "://"), *authority = scheme ? scheme + 3 : url, *at = strchr(authority, '@');
    struct bytes host, port, rest = bytes_of_string(at ? at + 1 : authority);

    bytes_cut(rest, '/', &rest, &port);
    const char *colon = rest.size ? memrchr(rest.data, ':', rest.size) : NULL;
    host = colon ? bytes_of(rest.data, (size_t)(colon - rest.data)) : rest;
    port = colon ? bytes_skip(rest, host.size + 1) : BYTES("80");
    return mem_format("export JAVA_TOOL_OPTIONS='-Dhttps.proxyHost=%.*s -Dhttps.proxyPort=%.*s "
                      "-Djavax.net.ssl.trustStore=%s/truststore.p12'",
                      (int)host.size, host.data, (int)port.size, port.data, published);
}

static void say_untrusted(struct doctor *doctor, const char *store)
{
    char *command = options_command(doctor);

    doctor_wrong(doctor, "java",
                 "its trust store does not hold gitlatch's CA" FINDING_WHY "it does not trust gitlatch" FINDING_MEND
                 "%s, or keytool -importcert -noprompt -alias gitlatch %s%s -storepass changeit -file %s/ca.pem",
                 command, store ? "-keystore " : "-cacerts", store ? store : "",
                 doctor->published ? doctor->published : "PUBLISHED");
    mem_free(command);
}

static void examine_store(struct doctor *doctor, const char *temporary)
{
    char *store = property("javax.net.ssl.trustStore"), *roots = mem_format("%s/java.pem", temporary);
    char *password = property("javax.net.ssl.trustStorePassword");
    struct doctor_request request = {.url = DOCTOR_URL, .proxy = doctor->tools_proxy, .roots = roots};
    struct doctor_answer answer = {0};

    if (!write_roots(store, password, roots)) {
        doctor_note(doctor, "java",
                    "its trust store %s cannot be listed by keytool, so that its trust cannot be told; of "
                    "a PKCS12 store with a password java needs -Djavax.net.ssl.trustStorePassword",
                    store ? store : "");
    } else {
        doctor_request(&request, &answer);
        if (answer.from_gitlatch)
            doctor_ok(doctor, "java", "its trust store holds gitlatch's CA");
        else
            say_untrusted(doctor, store);
    }
    mem_free(password);
    mem_free(store);
    mem_free(roots);
}

void doctor_examine_java(struct doctor *doctor, const char *temporary)
{
    char *proxy = property("https.proxyHost"), *command = options_command(doctor);

    if (!doctor_program_is_found("java") || doctor->tools_way == DOCTOR_NO_WAY)
        ;
    else if (!proxy && doctor->tools_way == DOCTOR_PROXY)
        doctor_note(doctor, "java",
                    "reads no HTTPS_PROXY and is not led to gitlatch" FINDING_MEND "where it should be: %s", command);
    else
        examine_store(doctor, temporary);
    mem_free(command);
    mem_free(proxy);
}
