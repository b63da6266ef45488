// What the webhook answers. That its patch makes of real pods what it should: tests/k8s.
#include "admission.h"

#include <jansson.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmocka_unit.h"
#include "text.h"

#define SIDECAR                                                                                                        \
    "{\"initContainer\":{\"name\":\"gitlatch\",\"image\":\"i\"},\"volumes\":[{\"name\":\"v\"}],"                       \
    "\"env\":[{\"name\":\"NO_PROXY\",\"value\":\"localhost\"},{\"name\":\"GH_TOKEN\",\"value\":\"gitlatch\"}],"        \
    "\"volumeMounts\":[{\"name\":\"v\",\"mountPath\":\"/m\",\"readOnly\":true}]}"

static struct admission *load(const char *sidecar, struct error *error)
{
    char path[] = "/tmp/admission-XXXXXX";
    FILE *file = fdopen(mkstemp(path), "w");
    struct admission *admission;

    fputs(sidecar, file);
    fclose(file);
    admission = admission_load(path, error);
    unlink(path);
    return admission;
}

// The answer's `response` to a review of this pod.
static json_t *review(const char *pod)
{
    struct error error;
    struct admission *admission = load(SIDECAR, &error);
    struct text body = {0}, answer = {0};
    json_t *root, *response;

    assert_non_null(admission);
    text_format(&body,
                "{\"apiVersion\":\"admission.k8s.io/v1\",\"kind\":\"AdmissionReview\",\"request\":{\"uid\":"
                "\"u-1\",\"object\":%s}}",
                pod);
    assert_true(admission_review(admission, text_bytes(&body), &answer, &error));
    root = json_loads(text_string(&answer), 0, NULL);
    assert_string_equal(json_string_value(json_object_get(root, "kind")), "AdmissionReview");
    response = json_incref(json_object_get(root, "response"));
    assert_string_equal(json_string_value(json_object_get(response, "uid")), "u-1");
    assert_true(json_is_true(json_object_get(response, "allowed")));
    json_decref(root);
    text_free(&body);
    text_free(&answer);
    admission_free(admission);
    return response;
}

static void assert_patch(const char *pod, const char *expected)
{
    json_t *response = review(pod), *value = json_object_get(response, "patch");
    unsigned char decoded[4096];
    int size = 0;

    if (!expected) {
        assert_null(value);
    } else {
        assert_string_equal(json_string_value(json_object_get(response, "patchType")), "JSONPatch");
        assert_in_range(json_string_length(value), 1, sizeof(decoded));
        size =
            EVP_DecodeBlock(decoded, (const unsigned char *)json_string_value(value), (int)json_string_length(value));
        assert_in_range(size, 1, sizeof(decoded) - 1);
        decoded[size] = '\0'; // what padding stood for is NUL already
        assert_string_equal((char *)decoded, expected);
    }
    json_decref(response);
}

#define POD(label, spec) "{\"kind\":\"Pod\",\"metadata\":{\"labels\":{" label "}},\"spec\":" spec "}"
#define WANTED           "\"gitlatch.dev/inject\":\"true\""
#define ENVIRONMENT      "{\"name\":\"NO_PROXY\",\"value\":\"localhost\"},{\"name\":\"GH_TOKEN\",\"value\":\"gitlatch\"}"
#define MOUNT            "{\"name\":\"v\",\"mountPath\":\"/m\",\"readOnly\":true}"
#define ADD(path, value) "{\"op\":\"add\",\"path\":\"" path "\",\"value\":" value "}"
#define THE_SIDECAR      "{\"name\":\"gitlatch\",\"image\":\"i\"}"

static void test_bare_pod(void **state)
{
    assert_patch(POD(WANTED, "{\"containers\":[{\"name\":\"a\"}]}"),
                 "[" ADD("/spec/containers/0/env", "[" ENVIRONMENT "]") "," ADD(
                     "/spec/containers/0/volumeMounts",
                     "[" MOUNT
                     "]") "," ADD("/spec/volumes",
                                  "[]") "," ADD("/spec/volumes/-",
                                                "{\"name\":\"v\"}") "," ADD("/spec/initContainers",
                                                                            "[]") "," ADD("/spec/initContainers/0",
                                                                                          THE_SIDECAR) "]");
}

// A token of the container's own, by value or from a Secret, gives way; its NO_PROXY is kept.
static void test_what_is_there(void **state)
{
    assert_patch(
        POD(WANTED, "{\"containers\":[{\"name\":\"a\",\"env\":[{\"name\":\"A\",\"value\":\"1\"},"
                    "{\"name\":\"NO_PROXY\",\"value\":\".corp\"},"
                    "{\"name\":\"GH_TOKEN\",\"valueFrom\":{\"secretKeyRef\":{}}}],"
                    "\"volumeMounts\":[{\"name\":\"w\",\"mountPath\":\"/w\"}]}],"
                    "\"initContainers\":[],\"volumes\":[{\"name\":\"w\"}]}"),
        "[" ADD(
            "/spec/containers/0/env",
            "[{\"name\":\"A\",\"value\":\"1\"},{\"name\":\"NO_PROXY\",\"value\":\".corp,localhost\"},"
            "{\"name\":\"GH_TOKEN\",\"value\":\"gitlatch\"}]") "," ADD("/spec/containers/0/volumeMounts",
                                                                       "[{\"name\":\"w\",\"mountPath\":\"/w\"}," MOUNT
                                                                       "]") "," ADD("/spec/volumes/-",
                                                                                    "{\"name\":\"v\"}") "," ADD("/spec/initContainers/0",
                                                                                                                THE_SIDECAR) "]");
}

static void test_let_through(void **state)
{
    assert_patch(POD("", "{\"containers\":[]}"), NULL);
    assert_patch(POD("\"gitlatch.dev/inject\":\"false\"", "{\"containers\":[]}"), NULL);
    assert_patch(POD(WANTED, "{\"containers\":[],\"initContainers\":[{\"name\":\"gitlatch\"}]}"), NULL);
    assert_patch("{\"kind\":\"Service\",\"metadata\":{\"labels\":{" WANTED "}}}", NULL);
    assert_patch("null", NULL);
}

static void test_no_review(void **state)
{
    static const char *const bodies[] = {
        "",
        "{",
        "[]",
        "{\"kind\":\"AdmissionReview\",\"apiVersion\":\"admission.k8s.io/v1\"}",
        "{\"kind\":\"AdmissionReview\",\"apiVersion\":\"admission.k8s.io/v1beta1\",\"request\":{\"uid\":\"u\"}}",
    };
    struct error error;
    struct admission *admission = load(SIDECAR, &error);
    struct text answer = {0};

    for (size_t i = 0; i < GL_ARRAY_SIZE(bodies); i++) {
        assert_false(admission_review(admission, bytes_of_string(bodies[i]), &answer, &error));
        assert_string_equal(error.text, "the body must be an AdmissionReview of admission.k8s.io/v1 with a request");
    }
    admission_free(admission);
}

static void test_bad_sidecar(void **state)
{
    struct error error;

    assert_null(admission_load("/nonexistent/sidecar.json", &error));
    assert_non_null(strstr(error.text, "/nonexistent/sidecar.json"));
    assert_null(load("{\"initContainer\":{\"name\":\"gitlatch\"},\"volumes\":[],\"env\":[]}", &error));
    assert_non_null(strstr(error.text, "must hold `initContainer`"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bare_pod),  cmocka_unit_test(test_what_is_there), cmocka_unit_test(test_let_through),
        cmocka_unit_test(test_no_review), cmocka_unit_test(test_bad_sidecar),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
