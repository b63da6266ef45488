// The Apps of the mock GitHub. Whoever calls a function of this header holds the world's lock (world.h).
#ifndef GITLATCH_APP_H
#define GITLATCH_APP_H

#include <stdint.h>

#include <gitlatch/attr.h>

// The App that is always there. Calls that do not say which App mean it.
#define APP_ID        12345
#define APP_CLIENT_ID "Iv23limockgithub0001"

struct app {
    uint64_t id;
    char *client_id;
    char *slug;
    char *name;
    char *key_file;   // its private key, PKCS#8
    char *public_key; // PEM
    struct app *next;
};

// Adds an App, with the key that the state directory holds for it, else with a new one.
struct app *app_add(uint64_t id);
// NULL: none.
struct app *app_find(uint64_t id);
struct app *app_find_client(const char *client_id);
// The name under which an App acts, owned by the caller.
char *app_login(const struct app *app);

#endif
