#include "cluster_survey.h"

#include <string.h>

#include "cmocka_unit.h"
#include "error.h"
#include "text.h"

#define ADMISSION "/apis/admissionregistration.k8s.io/v1/"
#define BROKERS                                                                                                        \
    "/apis/apps/v1/deployments?labelSelector=app.kubernetes.io%2Fname%3Dgitlatch%2Capp.kubernetes.io%2Fcomponent%3Dbroker"
#define SLICES                                                                                                         \
    "/apis/discovery.k8s.io/v1/namespaces/gitlatch/endpointslices?labelSelector=kubernetes.io%2Fservice-name%3Dgitlatch-broker"
#define NAMESPACES                 "/api/v1/namespaces?labelSelector=gitlatch.dev%2Fworkspaces%3Dtrue"
#define PODS                       "/api/v1/pods?labelSelector=gitlatch.dev%2Finject%3Dtrue&limit=500"
#define POLICY                     "{'spec': {'variables': [{'name': 'sidecarImage', 'expression': \"'r/gitlatch:2'\"}]}}"
#define POD(namespace, name, rest) "{'metadata': {'namespace': '" namespace "', 'name': '" name "'}, " rest "}"
#define SIDECAR(image, ready)                                                                                          \
    "'spec': {'initContainers': [{'name': 'gitlatch', 'image': '" image "'}]}, 'status': {'phase': 'Running', "        \
    "'initContainerStatuses': [{'name': 'gitlatch', 'ready': " ready ", 'state': {'waiting': {'reason': "              \
    "'ImagePullBackOff', 'message': 'no such image'}}}]}"

// A cluster in which all is well; a test replaces an answer, or with NULL takes it away. Quotes are single ones.
struct cluster {
    const char *path;   // the answer that is another
    const char *answer; // NULL: 404; "403": refused
    struct text said;
};

static const char *const well[][2] = {
    {"/version", "{'gitVersion': 'v1.36.3'}"},
    {ADMISSION "mutatingadmissionpolicies/gitlatch-inject", POLICY},
    {ADMISSION "mutatingadmissionpolicybindings/gitlatch-inject", "{}"},
    {ADMISSION "validatingadmissionpolicies/gitlatch-guard", POLICY},
    {ADMISSION "validatingadmissionpolicybindings/gitlatch-guard", "{'spec': {'validationActions': ['Deny']}}"},
    {BROKERS, "{'items': [{'metadata': {'namespace': 'gitlatch', 'name': 'gitlatch-broker'}, 'spec': {'replicas': 2, "
              "'template': {'spec': {'containers': [{'image': 'r/gitlatch:2'}]}}}, 'status': {'readyReplicas': 2}}]}"},
    {SLICES, "{'items': [{'endpoints': [{'conditions': {'ready': true}}, {'conditions': {'ready': false}}]}]}"},
    {PODS, "{'metadata': {'continue': 'more'}, 'items': [" POD("team-a", "one", SIDECAR("r/gitlatch:2", "true")) "]}"},
    {PODS "&continue=more", "{'items': [" POD("team-a", "two", SIDECAR("r/gitlatch:1", "true")) "]}"},
    {NAMESPACES, "{'items': [{'metadata': {'name': 'team-a'}}]}"},
    {"/api/v1/namespaces/team-a/configmaps/gitlatch", "{'data': {'gitlatch.yaml': 'x', 'broker-ca.pem': 'x'}}"},
};

static json_t *parse(const char *text)
{
    char copy[1024];
    json_t *value;

    snprintf(copy, sizeof(copy), "%s", text);
    // The one literal that has single quotes of its own has double ones around it.
    for (char *c = copy; *c; c++) {
        if (*c == '"')
            c = strchr(c + 1, '"');
        else if (*c == '\'')
            *c = '"';
    }
    value = json_loads(copy, 0, NULL);
    assert_non_null(value);
    return value;
}

static json_t *get(void *arg, const char *path, bool *ret_missing, struct error *ret_error)
{
    const struct cluster *cluster = arg;
    const char *answer = NULL;

    for (size_t i = 0; i < sizeof(well) / sizeof(*well); i++) {
        if (strcmp(well[i][0], path) == 0)
            answer = well[i][1];
    }
    if (cluster->path && strcmp(cluster->path, path) == 0)
        answer = cluster->answer;
    *ret_missing = !answer;
    if (!answer)
        return NULL;
    if (strcmp(answer, "403") == 0) {
        error_set(ret_error, "may not");
        return NULL;
    }
    return parse(answer);
}

static void line(void *arg, bool ok, const char *subject, const char *text)
{
    struct cluster *cluster = arg;

    text_format(&cluster->said, "%s %s: %s\n", ok ? "ok" : "FAIL", subject, text);
}

// What is said of a cluster with another answer at `path`.
static void assert_said(const char *path, const char *answer, const char *said)
{
    struct cluster cluster = {path, answer};
    const char *all;

    cluster_survey(&(struct cluster_callbacks){&cluster, get, line});
    all = text_string(&cluster.said);
    if (!strstr(all, said) || (strncmp(said, "FAIL", 4) != 0 && path == NULL && strstr(all, "FAIL")))
        fail_msg("%s\nis not in:\n%s", said, all);
    text_free(&cluster.said);
}

static void a_cluster_in_order_is_told_line_by_line(void **state)
{
    assert_said(NULL, NULL,
                "ok server: Kubernetes v1.36.3\n"
                "ok injection: by the policy gitlatch-inject, of r/gitlatch:2\n"
                "ok guard: refuses what would undo the injection; the image must be r/gitlatch:2\n"
                "ok broker: gitlatch/gitlatch-broker: 2 of 2 ready, of r/gitlatch:2\n"
                "ok broker's Service: gitlatch/gitlatch-broker leads to 1 pods\n"
                "ok namespace team-a: has the sidecars' configuration and the broker's CA\n"
                "ok pods of team-a: 2 with the label, 2 with the sidecar; 1 of r/gitlatch:2; 1 of "
                "r/gitlatch:1, not the one that is injected now: until they are replaced\n");
}

static void what_is_missing_or_unbound_is_told(void **state)
{
    assert_said("/version", NULL, "FAIL server: answers 404");
    assert_said(ADMISSION "mutatingadmissionpolicies/gitlatch-inject", NULL, "FAIL injection: neither");
    assert_said(ADMISSION "mutatingadmissionpolicybindings/gitlatch-inject", NULL,
                "FAIL injection: the policy gitlatch-inject is not bound");
    assert_said(ADMISSION "validatingadmissionpolicies/gitlatch-guard", NULL, "FAIL guard: there is none");
    assert_said(ADMISSION "validatingadmissionpolicybindings/gitlatch-guard", NULL,
                "FAIL guard: gitlatch-guard is not bound");
    assert_said(ADMISSION "validatingadmissionpolicybindings/gitlatch-guard",
                "{'spec': {'validationActions': ['Audit']}}", "FAIL guard: gitlatch-guard is not bound with");
    assert_said(BROKERS, "{'items': []}", "FAIL broker: no Deployment");
    assert_said(SLICES, "{'items': []}", "FAIL broker's Service: gitlatch/gitlatch-broker leads to 0 pods");
    assert_said(NAMESPACES, "{'items': []}", "FAIL namespaces: none has the label");
    assert_said("/api/v1/namespaces/team-a/configmaps/gitlatch", NULL, "FAIL namespace team-a: has no ConfigMap");
    assert_said("/api/v1/namespaces/team-a/configmaps/gitlatch", "{'data': {}}",
                "FAIL namespace team-a: has no ConfigMap");
}

static void what_does_not_fit_is_told(void **state)
{
    assert_said(ADMISSION "validatingadmissionpolicies/gitlatch-guard",
                "{'spec': {'variables': [{'name': 'sidecarImage', 'expression': \"'r/gitlatch:1'\"}]}}",
                "FAIL guard: it wants the image r/gitlatch:1, while r/gitlatch:2 is injected");
    assert_said(ADMISSION "validatingadmissionpolicies/gitlatch-guard",
                "{'status': {'typeChecking': {'expressionWarnings': [{'warning': 'no such field'}]}}}",
                "FAIL guard: the API server cannot judge an expression of it: no such field");
    assert_said(
        BROKERS,
        "{'items': [{'metadata': {'namespace': 'gitlatch', 'name': 'b'}, 'spec': {'replicas': 2}, 'status': {}}]}",
        "FAIL broker: gitlatch/b: 0 of 2 ready");
}

static void pods_that_are_not_as_they_should_be_are_named(void **state)
{
    assert_said(PODS, "{'items': [" POD("team-a", "bare", "'spec': {}, 'status': {'phase': 'Running'}") "]}",
                "FAIL pods of team-a: the pod bare has no sidecar");
    assert_said(PODS, "{'items': [" POD("team-a", "ill", SIDECAR("r/gitlatch:2", "false")) "]}",
                "FAIL pods of team-a: the sidecar of ill is not ready: ImagePullBackOff no such image");
    assert_said(PODS, "{'items': [" POD("team-a", "over", "'spec': {}, 'status': {'phase': 'Succeeded'}") "]}",
                "ok pods of team-a: 0 with the label");
    assert_said(PODS, "{'items': [" POD("other", "bare", "'spec': {}, 'status': {'phase': 'Running'}") "]}",
                "FAIL pods of other: 1 pods have the label, which does nothing here");
}

static void what_may_not_be_read_is_told(void **state)
{
    for (size_t i = 0; i < sizeof(well) / sizeof(*well); i++)
        assert_said(well[i][0], "403", ": may not\n");
}

static void a_webhook_is_looked_for_where_there_is_no_policy(void **state)
{
    struct cluster cluster = {ADMISSION "mutatingadmissionpolicies/gitlatch-inject", NULL};

    cluster_survey(&(struct cluster_callbacks){&cluster, get, line});
    assert_non_null(strstr(text_string(&cluster.said), "FAIL injection: neither a policy nor a webhook"));
    text_free(&cluster.said);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_cluster_in_order_is_told_line_by_line),
        cmocka_unit_test(what_is_missing_or_unbound_is_told),
        cmocka_unit_test(what_does_not_fit_is_told),
        cmocka_unit_test(pods_that_are_not_as_they_should_be_are_named),
        cmocka_unit_test(what_may_not_be_read_is_told),
        cmocka_unit_test(a_webhook_is_looked_for_where_there_is_no_policy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
