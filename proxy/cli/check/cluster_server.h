// The API server of a cluster, as a pod's service account or `kubectl proxy` reaches it.
#ifndef GITLATCH_CLUSTER_SERVER_H
#define GITLATCH_CLUSTER_SERVER_H

#include <stdbool.h>

// Surveys the cluster and prints a line for each thing. `url`: as `kubectl proxy` gives one; NULL: a pod's own, where
// there is a service account, else `kubectl proxy`'s usual one. Returns false if something is wrong.
bool cluster_server_survey(const char *url);

#endif
