// The pods of a cluster that have the label gitlatch.dev/inject: which have the sidecar, of which image, and how it is.
#ifndef GITLATCH_CLUSTER_PODS_H
#define GITLATCH_CLUSTER_PODS_H

#include <jansson.h>

#include "cluster_survey.h"

struct cluster_pods;

struct cluster_pods *cluster_pods_new(void);
void cluster_pods_free(struct cluster_pods *pods);

// Takes an array of pods as the API server lists them. NULL: none.
void cluster_pods_add(struct cluster_pods *pods, const json_t *items);

// The lines of one namespace, which are then done. `image`: the one that is injected now; NULL: not known.
void cluster_pods_report(struct cluster_pods *pods, const char *namespace, const char *image,
                         const struct cluster_callbacks *callbacks);
// The lines of all other namespaces: there the label does nothing.
void cluster_pods_report_rest(const struct cluster_pods *pods, const struct cluster_callbacks *callbacks);

#endif
