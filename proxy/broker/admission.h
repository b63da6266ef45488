// The webhook that puts gitlatch into pods, for clusters whose API server cannot do it by itself (before 1.36). Source:
// Kubernetes, "Dynamic Admission Control"; admission.k8s.io/v1; RFC 6902 (JSON Patch).
//
// What is put in is a file that k8s/generate makes: {"initContainer", "volumes", "env", "volumeMounts", "dnsConfig"}. The
// first is the sidecar, which comes before all other init containers; `env` and `volumeMounts` are for each container that is
// there; `dnsConfig` may be missing, and is for pods that have none.
#ifndef GITLATCH_ADMISSION_H
#define GITLATCH_ADMISSION_H

#include <stdbool.h>

#include <gitlatch/attr.h>

#include "bytes.h"
#include "error.h"

struct admission;
struct text;

// An object has at most 1.5 MiB in etcd; a review holds it once, since only its creation is asked about.
#define ADMISSION_REVIEW_MAX (2 * MIB)

struct admission *admission_load(const char *path, struct error *ret_error) GL_MUST_CHECK;
void admission_free(struct admission *admission); // NULL: nothing

// Answers an AdmissionReview: a pod with the label gitlatch.dev/inject: "true" is given the sidecar, unless it has it;
// everything else is let through as it is. `answer` gets the AdmissionReview to be sent back.
bool admission_review(const struct admission *admission, struct bytes review, struct text *answer,
                      struct error *ret_error) GL_MUST_CHECK;

#endif
