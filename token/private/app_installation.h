// Where an App is installed: the installation of an owner, looked up once and kept.
// Source: GitHub REST documentation, "Get a repository/organization/user installation for the authenticated app".
#ifndef GITLATCH_APP_INSTALLATION_H
#define GITLATCH_APP_INSTALLATION_H

#include <stdint.h>

#include <gitlatch/attr.h>

#include "app_call.h"
#include "github_answer.h"
#include "mint_scope.h"

struct app_installations;
struct app_installation_request;

// `pinned`: the configured installation, 0: found by owner.
struct app_installations *app_installations_new(struct app_caller *caller, uint64_t pinned) GL_MUST_CHECK;
// All requests have ended or were cancelled.
void app_installations_free(struct app_installations *installations);

// Exactly one of the two is not NULL. Where an owner was renamed, the installation has another owner than was asked for.
typedef void app_installation_fn(void *arg, const struct github_installation *installation,
                                 const struct source_failure *failure);
// The installation of the scope's owner; the App's only one where it names none. One lookup, however many wait. Ends
// with `done`, or with app_installation_cancel.
struct app_installation_request *app_installation_find(struct app_installations *installations,
                                                       const struct mint_scope *scope, app_installation_fn *done,
                                                       void *arg) GL_MUST_CHECK;
void app_installation_cancel(struct app_installation_request *request);

// GitHub did not know the installation that was found: the next request looks it up again.
void app_installation_forget(struct app_installations *installations, const char *owner);
// Takes over what another has found.
void app_installations_adopt(struct app_installations *installations, struct app_installations *old);

#endif
