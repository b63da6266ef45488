// The App's JSON web token, verified as GitHub does it (protocol.md, A).
#ifndef GITLATCH_APP_JWT_H
#define GITLATCH_APP_JWT_H

#include <gitlatch/attr.h>

// The public key that verifies; `pem` is given away. Once.
void app_jwt_set_key(char *pem);
// NULL: good. Else the message GitHub answers, and its status.
const char *app_jwt_verify(const char *jwt, int *ret_status);

#endif
