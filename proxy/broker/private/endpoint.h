// What the broker can be asked. Each takes a call over.
#ifndef GITLATCH_ENDPOINT_H
#define GITLATCH_ENDPOINT_H

struct broker_call;

// POST /v1/token
void endpoint_token(struct broker_call *call);
// POST /v1/repositories
void endpoint_repositories(struct broker_call *call);
// GET /v1/rules
void endpoint_rules(struct broker_call *call);
// GET /admin/github-installation-token
void endpoint_platform(struct broker_call *call);

#endif
