#include "cluster_pods.h"

#include <string.h>

#include "mem.h"
#include "text.h"

// By namespace: {"pods", "with", "images": {image: count}, "wrong": [sentence]}.
struct cluster_pods {
    json_t *namespaces;
};

struct cluster_pods *cluster_pods_new(void)
{
    struct cluster_pods *pods = mem_alloc_zero(1, sizeof(*pods));

    pods->namespaces = json_object();
    return pods;
}

void cluster_pods_free(struct cluster_pods *pods)
{
    json_decref(pods->namespaces);
    mem_free(pods);
}

static const json_t *named(const json_t *list, const char *name)
{
    const json_t *each;
    size_t i;

    json_array_foreach(list, i, each) {
        const char *own = json_string_value(json_object_get(each, "name"));
        if (own && strcmp(own, name) == 0)
            return each;
    }
    return NULL;
}

static const char *text_of(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));

    return text ? text : "";
}

static void count(json_t *object, const char *name)
{
    json_object_set_new(object, name, json_integer(json_integer_value(json_object_get(object, name)) + 1));
}

static json_t *of_namespace(struct cluster_pods *pods, const char *name)
{
    json_t *space = json_object_get(pods->namespaces, name);

    if (!space) {
        space = json_pack("{s:{}, s:[]}", "images", "wrong");
        json_object_set_new(pods->namespaces, name, space);
    }
    return space;
}

// A Kustomize sidecar is an init container that restarts; the proxy of egress/proxy is none of a workspace.
static void add_pod(struct cluster_pods *pods, const json_t *pod)
{
    const json_t *meta = json_object_get(pod, "metadata"), *status = json_object_get(pod, "status");
    const json_t *sidecar = named(json_object_get(json_object_get(pod, "spec"), "initContainers"), "gitlatch");
    const json_t *state = named(json_object_get(status, "initContainerStatuses"), "gitlatch");
    const json_t *waiting = json_object_get(json_object_get(state, "state"), "waiting");
    json_t *space = of_namespace(pods, text_of(meta, "namespace"));
    const char *phase = text_of(status, "phase");

    if (strcmp(phase, "Succeeded") == 0 || strcmp(phase, "Failed") == 0)
        return;
    count(space, "pods");
    if (!sidecar) {
        json_array_append_new(json_object_get(space, "wrong"),
                              json_sprintf("the pod %s has no sidecar: it was made before the injection; make it anew",
                                           text_of(meta, "name")));
        return;
    }
    count(space, "with");
    count(json_object_get(space, "images"), text_of(sidecar, "image"));
    if (!json_is_true(json_object_get(state, "ready")))
        json_array_append_new(json_object_get(space, "wrong"),
                              json_sprintf("the sidecar of %s is not ready: %s %s", text_of(meta, "name"),
                                           waiting ? text_of(waiting, "reason") : phase, text_of(waiting, "message")));
}

void cluster_pods_add(struct cluster_pods *pods, const json_t *items)
{
    const json_t *pod;
    size_t i;

    json_array_foreach(items, i, pod)
        add_pod(pods, pod);
}

static void append_images(struct text *text, const json_t *images, const char *now)
{
    json_t *each = json_deep_copy(images);
    const char *image;
    json_t *number;

    json_object_foreach(each, image, number)
        text_format(text, "; %" JSON_INTEGER_FORMAT " of %s%s", json_integer_value(number), image,
                    now && strcmp(image, now) != 0 ? ", not the one that is injected now: until they are replaced"
                                                   : "");
    json_decref(each);
}

void cluster_pods_report(struct cluster_pods *pods, const char *namespace, const char *image,
                         const struct cluster_callbacks *callbacks)
{
    const json_t *space = json_object_get(pods->namespaces, namespace), *wrong = json_object_get(space, "wrong"), *each;
    char *subject = mem_format("pods of %s", namespace);
    struct text text = {0};
    size_t i;

    text_format(&text, "%" JSON_INTEGER_FORMAT " with the label, %" JSON_INTEGER_FORMAT " with the sidecar",
                json_integer_value(json_object_get(space, "pods")), json_integer_value(json_object_get(space, "with")));
    append_images(&text, json_object_get(space, "images"), image);
    callbacks->line(callbacks->arg, true, subject, text_string(&text));
    json_array_foreach(wrong, i, each)
        callbacks->line(callbacks->arg, false, subject, json_string_value(each));
    text_free(&text);
    mem_free(subject);
    json_object_del(pods->namespaces, namespace);
}

void cluster_pods_report_rest(const struct cluster_pods *pods, const struct cluster_callbacks *callbacks)
{
    const char *name;
    json_t *space;

    json_object_foreach(pods->namespaces, name, space) {
        json_int_t without =
            json_integer_value(json_object_get(space, "pods")) - json_integer_value(json_object_get(space, "with"));
        struct text text = {0};
        if (without == 0)
            continue; // Kustomize put it in
        text_format(&text,
                    "%" JSON_INTEGER_FORMAT
                    " pods have the label, which does nothing here: the namespace lacks the label "
                    "gitlatch.dev/workspaces=true",
                    without);
        char *subject = mem_format("pods of %s", name);
        callbacks->line(callbacks->arg, false, subject, text_string(&text));
        mem_free(subject);
        text_free(&text);
    }
}
