#include "cluster_survey.h"

#include <string.h>

#include "cluster_pods.h"
#include "error.h"
#include "mem.h"
#include "text.h"

#define ADMISSION "/apis/admissionregistration.k8s.io/v1/"

struct survey {
    const struct cluster_callbacks *callbacks;
    char *image; // the one that is injected; NULL: not known
};

static void GL_PRINTF(4, 5) tell(struct survey *survey, bool ok, const char *subject, const char *format, ...)
{
    struct text text = {0};
    va_list list;

    va_start(list, format);
    text_format_list(&text, format, list);
    va_end(list);
    survey->callbacks->line(survey->callbacks->arg, ok, subject, text_string(&text));
    text_free(&text);
}

// NULL: there is none, or nobody may know, which is then reported. Only the first sets `*ret_missing`.
static json_t *get(struct survey *survey, const char *subject, const char *path, bool *ret_missing)
{
    struct error error;
    json_t *body;

    *ret_missing = false;
    body = survey->callbacks->get(survey->callbacks->arg, path, ret_missing, &error);
    if (!body && !*ret_missing)
        tell(survey, false, subject, "%s", error.text);
    return body;
}

static const json_t *at(const json_t *object, const char *const *names)
{
    for (; object && *names; names++)
        object = json_object_get(object, *names);
    return object;
}

#define AT(object, ...) at(object, (const char *const[]){__VA_ARGS__, NULL})

static const char *string_or(const json_t *value, const char *other)
{
    const char *string = json_string_value(value);

    return string ? string : other;
}

static void look_at_server(struct survey *survey)
{
    bool missing;
    json_t *version = get(survey, "server", "/version", &missing);

    if (version)
        tell(survey, true, "server", "Kubernetes %s", string_or(AT(version, "gitVersion"), "?"));
    else if (missing)
        tell(survey, false, "server", "answers 404 to /version: this is no API server");
    json_decref(version);
}

// A policy has its image as a variable: a literal in single quotes.
static char *image_of_policy(const json_t *policy)
{
    const json_t *variable;
    size_t i;

    json_array_foreach(AT(policy, "spec", "variables"), i, variable) {
        const char *literal = string_or(AT(variable, "expression"), "");
        size_t size = strlen(literal);
        if (strcmp(string_or(AT(variable, "name"), ""), "sidecarImage") == 0 && size > 2)
            return mem_format("%.*s", (int)(size - 2), literal + 1);
    }
    return NULL;
}

static bool look_at_webhook(struct survey *survey)
{
    bool missing;
    json_t *hook = get(survey, "injection", ADMISSION "mutatingwebhookconfigurations/gitlatch-inject", &missing);
    const json_t *client = json_object_get(json_array_get(AT(hook, "webhooks"), 0), "clientConfig");

    if (hook && !*string_or(AT(client, "caBundle"), ""))
        tell(survey, false, "injection",
             "the webhook has no caBundle, so the API server cannot call it: put the broker's CA there");
    else if (hook)
        tell(survey, true, "injection", "by the webhook %s/%s", string_or(AT(client, "service", "namespace"), "?"),
             string_or(AT(client, "service", "name"), "?"));
    json_decref(hook);
    return !missing;
}

static void look_at_injection(struct survey *survey)
{
    bool missing, unbound;
    json_t *policy = get(survey, "injection", ADMISSION "mutatingadmissionpolicies/gitlatch-inject", &missing);
    json_t *binding = NULL;

    if (!policy) {
        if (missing && !look_at_webhook(survey))
            tell(survey, false, "injection",
                 "neither a policy nor a webhook gitlatch-inject is there: the label gives no pod a sidecar; apply "
                 "k8s/admission");
        return;
    }
    survey->image = image_of_policy(policy);
    binding = get(survey, "injection", ADMISSION "mutatingadmissionpolicybindings/gitlatch-inject", &unbound);
    if (binding)
        tell(survey, true, "injection", "by the policy gitlatch-inject, of %s", survey->image ? survey->image : "?");
    else if (unbound)
        tell(survey, false, "injection",
             "the policy gitlatch-inject is not bound, and does nothing: apply k8s/admission/policy/binding.yaml");
    json_decref(policy);
    json_decref(binding);
}

static bool denies(const json_t *binding)
{
    const json_t *action;
    size_t i;

    json_array_foreach(AT(binding, "spec", "validationActions"), i, action) {
        if (strcmp(string_or(action, ""), "Deny") == 0)
            return true;
    }
    return false;
}

static void judge_guard(struct survey *survey, const json_t *guard, const json_t *binding)
{
    const json_t *warnings = AT(guard, "status", "typeChecking", "expressionWarnings");
    char *image = image_of_policy(guard);

    if (!binding || !denies(binding))
        tell(survey, false, "guard",
             "gitlatch-guard is not bound with validationActions: [Deny], and refuses nothing: apply "
             "k8s/admission/policy/binding.yaml");
    else if (json_array_size(warnings) > 0)
        tell(survey, false, "guard", "the API server cannot judge an expression of it: %s",
             string_or(AT(json_array_get(warnings, 0), "warning"), "?"));
    else if (image && survey->image && strcmp(image, survey->image) != 0)
        tell(survey, false, "guard",
             "it wants the image %s, while %s is injected, so no workspace starts: apply both from one folder", image,
             survey->image);
    else
        tell(survey, true, "guard", "refuses what would undo the injection; the image must be %s", image ? image : "?");
    mem_free(image);
}

static void look_at_guard(struct survey *survey)
{
    bool missing, unbound;
    json_t *guard = get(survey, "guard", ADMISSION "validatingadmissionpolicies/gitlatch-guard", &missing);
    json_t *binding = NULL;

    if (guard)
        binding = get(survey, "guard", ADMISSION "validatingadmissionpolicybindings/gitlatch-guard", &unbound);
    if (guard && (binding || unbound))
        judge_guard(survey, guard, binding);
    else if (missing)
        tell(survey, false, "guard",
             "there is none: whoever may make pods can put a program of his own into a sidecar and take its token; "
             "apply k8s/admission/policy (Kubernetes 1.30 and later)");
    json_decref(guard);
    json_decref(binding);
}

// How many addresses the Service leads to.
static void look_at_endpoints(struct survey *survey, const char *namespace)
{
    char *path = mem_format("/apis/discovery.k8s.io/v1/namespaces/%s/endpointslices"
                            "?labelSelector=kubernetes.io%%2Fservice-name%%3Dgitlatch-broker",
                            namespace);
    bool missing;
    json_t *slices = get(survey, "broker's Service", path, &missing);
    const json_t *slice, *endpoint;
    size_t i, k, ready = 0;

    json_array_foreach(AT(slices, "items"), i, slice)
        json_array_foreach(AT(slice, "endpoints"), k, endpoint)
            ready += !json_is_false(AT(endpoint, "conditions", "ready"));
    if (slices || missing)
        tell(survey, ready > 0, "broker's Service",
             ready ? "%s/gitlatch-broker leads to %zu pods"
                   : "%s/gitlatch-broker leads to %zu pods: no sidecar gets a token",
             namespace, ready);
    json_decref(slices);
    mem_free(path);
}

static void judge_broker(struct survey *survey, const json_t *deployment)
{
    const char *namespace = string_or(AT(deployment, "metadata", "namespace"), "?"),
               *name = string_or(AT(deployment, "metadata", "name"), "?"),
               *image = string_or(
                   AT(json_array_get(AT(deployment, "spec", "template", "spec", "containers"), 0), "image"), "?");
    long long wanted = json_integer_value(AT(deployment, "spec", "replicas")),
              ready = json_integer_value(AT(deployment, "status", "readyReplicas"));
    bool ok = wanted > 0 && ready >= wanted;

    tell(survey, ok, "broker", "%s/%s: %lld of %lld ready, of %s%s", namespace, name, ready, wanted, image,
         ok ? "" : "; it is ready once its key signs: kubectl logs says what is wrong");
    look_at_endpoints(survey, namespace);
}

static void look_at_broker(struct survey *survey)
{
    bool missing;
    json_t *list = get(survey, "broker",
                       "/apis/apps/v1/deployments?labelSelector=app.kubernetes.io%2Fname%3Dgitlatch%2C"
                       "app.kubernetes.io%2Fcomponent%3Dbroker",
                       &missing);
    const json_t *each;
    size_t i;

    json_array_foreach(AT(list, "items"), i, each)
        judge_broker(survey, each);
    if (list && i == 0)
        tell(
            survey, false, "broker",
            "no Deployment has its labels: sidecars get a token only where sidecar/key gives them the App's key; apply "
            "k8s/broker");
    json_decref(list);
}

// The sidecars' configuration, which each namespace has.
static void look_at_namespace(struct survey *survey, const char *name)
{
    char *path = mem_format("/api/v1/namespaces/%s/configmaps/gitlatch", name);
    char *subject = mem_format("namespace %s", name);
    bool missing;
    json_t *map = get(survey, subject, path, &missing);
    bool ok = map && *string_or(AT(map, "data", "gitlatch.yaml"), "");

    if (ok)
        tell(survey, true, subject, "has the sidecars' configuration%s",
             *string_or(AT(map, "data", "broker-ca.pem"), "") ? " and the broker's CA" : "");
    else if (map || missing)
        tell(survey, false, subject,
             "has no ConfigMap gitlatch with a gitlatch.yaml: no sidecar starts; apply k8s/sidecar/config there");
    json_decref(map);
    mem_free(subject);
    mem_free(path);
}

static void look_at_namespaces(struct survey *survey, struct cluster_pods *pods)
{
    bool missing;
    json_t *list =
        get(survey, "namespaces", "/api/v1/namespaces?labelSelector=gitlatch.dev%2Fworkspaces%3Dtrue", &missing);
    const json_t *each;
    size_t i;

    json_array_foreach(AT(list, "items"), i, each) {
        const char *name = string_or(AT(each, "metadata", "name"), "");
        look_at_namespace(survey, name);
        cluster_pods_report(pods, name, survey->image, survey->callbacks);
    }
    if (list && i == 0)
        tell(survey, false, "namespaces",
             "none has the label gitlatch.dev/workspaces=true, so nothing is injected: kubectl label namespace NAME "
             "gitlatch.dev/workspaces=true");
    json_decref(list);
}

// All pods with the label, wherever they are, some hundreds an answer.
static void read_pods(struct survey *survey, struct cluster_pods *pods)
{
    char *from = mem_string("");
    bool missing;
    json_t *list;

    do {
        char *path = mem_format("/api/v1/pods?labelSelector=gitlatch.dev%%2Finject%%3Dtrue&limit=500%s%s",
                                *from ? "&continue=" : "", from);
        list = get(survey, "pods", path, &missing);
        mem_free(path);
        mem_free(from);
        from = mem_string(string_or(AT(list, "metadata", "continue"), ""));
        cluster_pods_add(pods, AT(list, "items"));
        json_decref(list);
    } while (*from);
    mem_free(from);
}

void cluster_survey(const struct cluster_callbacks *callbacks)
{
    struct survey survey = {.callbacks = callbacks};
    struct cluster_pods *pods = cluster_pods_new();

    look_at_server(&survey);
    look_at_injection(&survey);
    look_at_guard(&survey);
    look_at_broker(&survey);
    read_pods(&survey, pods);
    look_at_namespaces(&survey, pods);
    cluster_pods_report_rest(pods, callbacks);
    cluster_pods_free(pods);
    mem_free(survey.image);
}
