// An App's JSON web token, verified as GitHub does it.
// Source: GitHub documentation, "Generating a JSON Web Token (JWT) for a GitHub App".
#ifndef GITLATCH_APP_JWT_H
#define GITLATCH_APP_JWT_H

#include "app.h"

// The App that signed it. NULL: none, with the message GitHub answers and its status. Under the world's lock.
const struct app *app_jwt_verify(const char *jwt, int *ret_status, const char **ret_problem);

#endif
