// Who makes a request, and what he may do.
#ifndef GITLATCH_PRINCIPAL_H
#define GITLATCH_PRINCIPAL_H

#include <gitlatch/attr.h>

#include "call.h"
#include "issued_token.h"

// What GitHub says to an address that is not on an organisation's list.
#define PRINCIPAL_IP_PROBLEM                                                                                           \
    "Although you appear to have the correct authorization credentials, the organization has an IP allow "             \
    "list "                                                                                                            \
    "enabled, and your IP address is not permitted to access this resource."

enum principal_kind {
    PRINCIPAL_NOBODY,       // no Authorization
    PRINCIPAL_APP,          // a JWT of an App
    PRINCIPAL_INSTALLATION, // a token of an installation
    PRINCIPAL_USER,         // a personal token
    PRINCIPAL_BAD,          // an Authorization that is not accepted
};

struct principal {
    enum principal_kind kind;
    const struct app *app;             // of a JWT, or of an installation's token
    struct issued_token *token;        // of an installation or a user
    struct installation *installation; // of an installation's token
    int status;                        // PRINCIPAL_BAD: what to answer
    const char *problem;               // and the API's message
};

enum access {
    ACCESS_YES,
    ACCESS_HIDDEN, // as if the repository were not there
    ACCESS_NOT_GRANTED,
};

// Writes into the call's record who it says it is, whatever the host makes of that. Takes the world's lock.
void principal_note(struct call *call);
// git and LFS: Basic alone, the user's name does not count. API: Bearer, `token`, or Basic. Under
// the world's lock.
struct principal principal_of_git(struct call *call);
struct principal principal_of_api(struct call *call);
// The name under which it acts ("anonymous" for nobody), owned by the caller.
char *principal_login(const struct principal *principal);
// Whether the permission (a name of GitHub's, e.g. "contents") is there at a level of world_level. Under the
// lock.
enum access principal_access(const struct principal *principal, const struct repository *repository,
                             const char *permission, int level);
// Whether an installation's token holds more than public data of the repository.
bool principal_reaches(const struct principal *principal, const struct repository *repository);

#endif
