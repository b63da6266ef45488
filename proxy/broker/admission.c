#include "admission.h"

#include <jansson.h>
#include <openssl/evp.h>
#include <string.h>

#include "mem.h"
#include "text.h"

#define LABEL       "gitlatch.dev/inject"
#define API_VERSION "admission.k8s.io/v1"

struct admission {
    json_t *file; // holds the others
    json_t *sidecar, *volumes, *environment, *mounts;
    json_t *dns; // for pods with no dnsConfig of their own; NULL: none
};

struct admission *admission_load(const char *path, struct error *ret_error)
{
    struct admission *admission;
    json_error_t problem;
    json_t *file = json_load_file(path, JSON_REJECT_DUPLICATES, &problem), *sidecar, *volumes, *environment, *mounts;

    if (!file) {
        error_set(ret_error, "%s: %s", path, problem.text);
        return NULL;
    }
    sidecar = json_object_get(file, "initContainer");
    volumes = json_object_get(file, "volumes");
    environment = json_object_get(file, "env");
    mounts = json_object_get(file, "volumeMounts");
    if (!json_is_string(json_object_get(sidecar, "name")) || !json_is_array(volumes) || !json_is_array(environment) ||
        !json_is_array(mounts)) {
        error_set(ret_error,
                  "%s: must hold `initContainer` with a name, and the lists `volumes`, `env` and "
                  "`volumeMounts`",
                  path);
        json_decref(file);
        return NULL;
    }
    admission = mem_alloc(sizeof(*admission));
    *admission = (struct admission){file, sidecar, volumes, environment, mounts, json_object_get(file, "dnsConfig")};
    return admission;
}

void admission_free(struct admission *admission)
{
    if (!admission)
        return;
    json_decref(admission->file);
    mem_free(admission);
}

static const char *text_of(const json_t *object, const char *key)
{
    const char *value = json_string_value(json_object_get(object, key));

    return value ? value : "";
}

// The item of a list whose `key` has this value; NULL: there is none.
static json_t *admission_find(const json_t *list, const char *key, const char *value)
{
    size_t index;
    json_t *item;

    json_array_foreach(list, index, item) {
        if (strcmp(text_of(item, key), value) == 0)
            return item;
    }
    return NULL;
}

// Takes the value, NULL where it was given none.
static void admission_add(json_t *patch, const char *path, json_t *value)
{
    json_array_append_new(patch, json_pack("{s:s, s:s, s:o}", "op", "add", "path", path, "value", value));
}

// A list at the end of `path` can only be added to where it is.
static void admission_add_list(json_t *patch, const json_t *spec, const char *name, const char *path)
{
    if (!json_is_array(json_object_get(spec, name)))
        admission_add(patch, path, json_array());
}

// What the container has stays, but for entries whose `key` is that of one of ours.
static json_t *merge(const json_t *has, const json_t *ours, const char *key)
{
    json_t *merged = json_array(), *item;
    size_t index;

    json_array_foreach(has, index, item) {
        if (!admission_find(ours, key, text_of(item, key)))
            json_array_append(merged, item);
    }
    json_array_foreach(ours, index, item)
        json_array_append_new(merged, json_deep_copy(item));
    return merged;
}

// A NO_PROXY of the container's own is kept, and ours added to it.
static void keep_no_proxy(const json_t *has, json_t *merged)
{
    static const char *const names[] = {"no_proxy", "NO_PROXY"};

    for (size_t i = 0; i < GL_ARRAY_SIZE(names); i++) {
        const char *own = text_of(admission_find(has, "name", names[i]), "value");
        json_t *entry = admission_find(merged, "name", names[i]);

        if (entry && *own) {
            char *both = mem_format("%s,%s", own, text_of(entry, "value"));

            json_object_set_new(entry, "value", json_string(both));
            mem_free(both);
        }
    }
}

static void patch_containers(const struct admission *admission, json_t *patch, const json_t *spec, const char *list)
{
    size_t index;
    json_t *container;

    json_array_foreach(json_object_get(spec, list), index, container) {
        const json_t *has = json_object_get(container, "env");
        json_t *environment = merge(has, admission->environment, "name");
        char *path = mem_format("/spec/%s/%zu/env", list, index);

        keep_no_proxy(has, environment);
        admission_add(patch, path, environment);
        mem_free(path);
        path = mem_format("/spec/%s/%zu/volumeMounts", list, index);
        admission_add(patch, path, merge(json_object_get(container, "volumeMounts"), admission->mounts, "mountPath"));
        mem_free(path);
    }
}

// RFC 6902 applies operations in their order: the sidecar comes last, for it moves the other init containers.
static json_t *make_patch(const struct admission *admission, const json_t *spec)
{
    json_t *patch = json_array(), *volume;
    size_t index;

    patch_containers(admission, patch, spec, "containers");
    patch_containers(admission, patch, spec, "initContainers");
    if (admission->dns && !json_object_get(spec, "dnsConfig"))
        admission_add(patch, "/spec/dnsConfig", json_incref(admission->dns));
    admission_add_list(patch, spec, "volumes", "/spec/volumes");
    json_array_foreach(admission->volumes, index, volume)
        admission_add(patch, "/spec/volumes/-", json_incref(volume));
    admission_add_list(patch, spec, "initContainers", "/spec/initContainers");
    admission_add(patch, "/spec/initContainers/0", json_incref(admission->sidecar));
    return patch;
}

static bool wants_sidecar(const struct admission *admission, const json_t *pod)
{
    const json_t *labels = json_object_get(json_object_get(pod, "metadata"), "labels");
    const json_t *init = json_object_get(json_object_get(pod, "spec"), "initContainers");

    return strcmp(text_of(pod, "kind"), "Pod") == 0 && strcmp(text_of(labels, LABEL), "true") == 0 &&
           !admission_find(init, "name", text_of(admission->sidecar, "name"));
}

static json_t *encode(json_t *patch)
{
    char *dump = json_dumps(patch, JSON_COMPACT);
    size_t size = strlen(dump);
    char *encoded = mem_alloc((size + 2) / 3 * 4 + 1);
    json_t *value;

    EVP_EncodeBlock((unsigned char *)encoded, (const unsigned char *)dump, (int)size);
    value = json_string(encoded);
    mem_free(encoded);
    mem_wiping_free(dump);
    return value;
}

bool admission_review(const struct admission *admission, struct bytes review, struct text *answer,
                      struct error *ret_error)
{
    json_t *root = json_loadb(review.data ? review.data : "", review.size, JSON_REJECT_DUPLICATES, NULL);
    const json_t *request = json_object_get(root, "request"), *pod = json_object_get(request, "object");
    const char *uid = text_of(request, "uid");
    json_t *response, *patch;
    char *dump;

    if (strcmp(text_of(root, "kind"), "AdmissionReview") != 0 ||
        strcmp(text_of(root, "apiVersion"), API_VERSION) != 0 || !*uid) {
        json_decref(root);
        return error_set(ret_error, "the body must be an AdmissionReview of " API_VERSION " with a request");
    }
    response = json_pack("{s:s, s:b}", "uid", uid, "allowed", 1);
    if (wants_sidecar(admission, pod)) {
        patch = make_patch(admission, json_object_get(pod, "spec"));
        json_object_set_new(response, "patchType", json_string("JSONPatch"));
        json_object_set_new(response, "patch", encode(patch));
        json_decref(patch);
    }
    response = json_pack("{s:s, s:s, s:o}", "apiVersion", API_VERSION, "kind", "AdmissionReview", "response", response);
    dump = json_dumps(response, JSON_COMPACT);
    text_append(answer, dump);
    mem_wiping_free(dump);
    json_decref(response);
    json_decref(root);
    return true;
}
